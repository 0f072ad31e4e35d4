"""User events as the table ``athletes``."""

from collections import Counter
from collections.abc import Mapping

import msgspec
import pyarrow as pa

from domain.residents import Told, resident_of
from domain.workouts import Erasure
from schemas import hot
from sinks.base import Rows
from sinks.tables import ATHLETES
from stridelog.batch import Batch
from stridelog.state import State


def keep(batch: Batch, state: State) -> tuple[dict[str, int], Counter[str]]:
    """Keep the batch's words as facts: of whom there are new ones, with the last one's offset, and what was dropped."""
    offsets: dict[str, int] = {}
    dropped: Counter[str] = Counter()
    for offset, _, message in batch.records:
        user, fact, fact_id = message.user, _fact(message), message.id
        if isinstance(fact, Erasure):
            fact_id = "erased"
            known_erasure = state.get(user, Erasure, fact_id)
            if known_erasure is not None and known_erasure.fact.time_us > fact.time_us:
                fact = known_erasure.fact
        if fact is None:
            dropped["not_for_athletes"] += 1
            continue
        known = state.get(user, type(fact), fact_id)
        if known is not None and known.fact == fact:
            if known.settled(batch.span):
                dropped["duplicate"] += 1
                continue
        else:
            state.put(user, fact_id, fact, offset)
        offsets[user] = offset
    return offsets, dropped


def athlete_rows(offsets: Mapping[str, int], state: State, partition: int) -> Rows:
    """Rows of ``athletes``: who the users are by all that they have said."""
    rows = []
    for user, offset in offsets.items():
        erasure = state.get(user, Erasure, "erased")
        told = (known.fact for known in state.facts(user, Told).values())
        resident = resident_of(told, erasure.fact.time_us if erasure else -1)
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


def _fact(message: object) -> msgspec.Struct | None:
    match message:
        case hot.UserRegistered(data=data):
            return Told(message.id, message.time, True, data.sex, data.birth_year, data.country)
        case hot.ProfileChanged(data=data):
            return Told(message.id, message.time, False, None, data.birth_year, data.country)
        case hot.UserErased():
            return Erasure(message.time)
    return None
