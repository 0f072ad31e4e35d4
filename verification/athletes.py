"""From user events to the athletes by whom boards can be narrowed."""

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from schemas import hot
from verification.outcomes import Valid

ATHLETE_KEY: Final = ("user_id",)
_SCHEMA: Final = pa.schema(
    [
        ("user_id", pa.string()),
        ("sex", pa.string()),
        ("birth_year", pa.int64()),
        ("country", pa.string()),
    ]
)


def athlete_table(user_events: Iterable[Valid]) -> pa.Table:
    """Rows of ``athletes`` that are not deleted."""
    said: dict[str, list[Any]] = {}
    erased: dict[str, int] = {}
    for _, _, message in user_events:
        if isinstance(message, hot.UserRegistered | hot.ProfileChanged):
            said.setdefault(message.user, []).append(message)
        elif isinstance(message, hot.UserErased):
            erased[message.user] = max(message.time, erased.get(message.user, message.time))
    rows = []
    for user, messages in said.items():
        stand = [m for m in messages if m.time > erased.get(user, -1)]
        first = [m for m in stand if isinstance(m, hot.UserRegistered)]
        if not first:
            continue
        later = [m for m in stand if isinstance(m, hot.ProfileChanged)]
        told: list[hot.UserRegistered | hot.ProfileChanged] = [*sorted(first, key=_age), *sorted(later, key=_age)]
        row: dict[str, Any] = {"user_id": user, "birth_year": None, "country": ""}
        for message in told:
            if isinstance(message, hot.UserRegistered):
                row["sex"] = message.data.sex
            for name in ("birth_year", "country"):
                row[name] = row[name] if (value := getattr(message.data, name)) is None else value
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _age(message: hot.UserRegistered | hot.ProfileChanged) -> tuple[int, str]:
    return message.time, message.id
