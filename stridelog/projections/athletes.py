"""User events as the table ``athletes``."""

from collections.abc import Mapping

import pyarrow as pa

from domain.residents import Told, resident_of
from schemas import hot
from sinks.base import Rows
from sinks.tables import ATHLETES
from stridelog.projections.users import erased_us
from stridelog.state import State


def athlete_rows(offsets: Mapping[str, int], state: State, partition: int) -> Rows:
    """Rows of ``athletes``: who the users are by all that they have said."""
    rows = []
    for user, offset in offsets.items():
        words = (known.fact for known in state.facts(user, Told).values())
        resident = resident_of(words, erased_us(state, user))
        rows.append(
            {
                "user_id": user,
                "sex": resident.sex if resident else "",
                "birth_year": resident.birth_year if resident else None,
                "country": (resident.country or "") if resident else "",
                "deleted": int(resident is None),
                "source_partition": partition,
                "source_offset": offset,
            }
        )
    return Rows(ATHLETES.name, pa.Table.from_pylist(rows, schema=ATHLETES.schema))


def told(message: object) -> Told | None:
    """What a user event says of who a user is."""
    match message:
        case hot.UserRegistered(data=data):
            return Told(message.id, message.time, True, data.sex, data.birth_year, data.country)
        case hot.ProfileChanged(data=data):
            return Told(message.id, message.time, False, None, data.birth_year, data.country)
    return None
