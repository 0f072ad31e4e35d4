"""An athlete's thresholds as ClickHouse holds them: what is stated, what is estimated, and how both came to be."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from stridelog.queries import Queries

KINDS: Final = ("ftp_w", "threshold_speed_m_s", "lthr_bpm", "critical_power_w", "w_prime_j")
_EPOCH: Final = date(1970, 1, 1)
_US: Final = timedelta(microseconds=1)
_EPOCH_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def threshold_log(queries: Queries, user: str, *, at: datetime) -> list[dict[str, Any]]:
    """An entry for each kind of which anything is known: ``kind``; ``stated`` and ``estimated`` as they are at a time,
    or ``None``; and ``history``, the changes of both up to then, the latest first.

    A change has ``origin``, ``local_day``, ``changed_at`` (µs), ``until`` (µs: the next change that is known, maybe to
    come, or ``None``), ``value`` (``None``: unknown from then on), ``method`` and ``evidence``.
    """
    found = await queries.clickhouse(
        "SELECT kind, origin, toInt32(local_day), toUnixTimestamp64Micro(changed_at), value, method, evidence_ids,"
        " evidence_names FROM threshold_history FINAL WHERE user_id = {user:String} AND NOT deleted"
        " ORDER BY changed_at, local_day",
        user=user,
    )
    at_us = (at - _EPOCH_TIME) // _US
    entries = []
    for kind in KINDS:
        changes = {origin: _changes(found, kind, origin) for origin in ("stated", "estimated")}
        past = {origin: [c for c in some if c["changed_at"] <= at_us] for origin, some in changes.items()}
        history = sorted((c for some in past.values() for c in some), key=lambda c: c["changed_at"], reverse=True)
        if history:
            entries.append({"kind": kind, **{name: _now(some) for name, some in past.items()}, "history": history})
    return entries


def _changes(found: Sequence[Sequence[Any]], kind: str, origin: str) -> list[dict[str, Any]]:
    rows = [row for row in found if (row[0], row[1]) == (kind, origin)]
    ends = [row[3] for row in rows[1:]]
    return [
        {
            "origin": origin,
            "local_day": (_EPOCH + timedelta(days=day)).isoformat(),
            "changed_at": changed_us,
            "until": until_us,
            "value": value,
            "method": method or None,
            "evidence": [{"id": id, "name": name} for id, name in zip(ids, names, strict=True)],
        }
        for (_, _, day, changed_us, value, method, ids, names), until_us in zip(rows, [*ends, None], strict=False)
    ]


def _now(past: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return past[-1] if past and past[-1]["value"] is not None else None
