"""Days of all-day wear as rows: which days a batch changes, where they were lived, and what they are now."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa

from domain.days import day_bounds_us, local_day
from domain.wellness import WellnessDay, wellness_day
from schemas import hot
from sinks.base import Rows
from sinks.tables import WELLNESS_DAYS
from stridelog.batch import Batch
from stridelog.state import State
from stridelog.wear_reader import Window, Worn

_US_PER_MINUTE: Final = 60_000_000


class WornDay(msgspec.Struct, frozen=True):
    """Where an athlete was at the last sample of a day, which says when the day began and ended."""

    last_us: int
    zone: str


class Day(NamedTuple):
    """A day that a batch changes, and the offset of the last record about it."""

    day: date
    zone: str
    offset: int


class Wear:
    """One batch of the ``wellness`` agent."""

    def __init__(self, batch: Batch, state: State) -> None:
        self._partition = batch.span.partition
        self._days: dict[Window, Day] = {}
        self._rows: list[dict[str, Any]] = []
        touched: dict[tuple[str, date], int] = {}
        for offset, message in batch.of(hot.WearStored):
            if message.data.samples:
                self._keep(message, offset, state)
                touched[message.user, message.data.local_day] = offset
            else:  # readings were taken back: of which days, only their zones tell
                touched |= dict.fromkeys(_days_of(message, state), offset)
        for (user, day), offset in touched.items():
            zone = state.facts(user, WornDay)[day.isoformat()].fact.zone
            self._days[Window(user, *day_bounds_us(day, zone))] = Day(day, zone, offset)

    def _keep(self, message: hot.WearStored, offset: int, state: State) -> None:
        day, fact = message.data.local_day.isoformat(), WornDay(message.data.last_time, message.zone)
        known = state.get(message.user, WornDay, day)
        if known is None or (known.fact.last_us, known.fact.zone) < (fact.last_us, fact.zone):
            state.put(message.user, day, fact, offset)

    def windows(self) -> Iterator[Window]:
        """The samples that are needed."""
        yield from self._days

    def take(self, worn: Mapping[Window, Worn]) -> None:
        """Work some of the days out; the samples are not kept."""
        for window, measured in worn.items():
            day, zone, offset = self._days[window]
            found = wellness_day(measured.time_us, measured.heart_rate_bpm, measured.beats)
            self._rows.append(
                {
                    "user_id": window.user,
                    "local_day": day,
                    "zone": zone,
                    **_figures(found, window.first_us),
                    "source_partition": self._partition,
                    "source_offset": offset,
                }
            )

    def rows(self) -> Rows:
        """Rows of ``wellness_days``."""
        return Rows(WELLNESS_DAYS.name, pa.Table.from_pylist(self._rows, schema=WELLNESS_DAYS.schema))


def _days_of(message: hot.WearStored, state: State) -> Iterator[tuple[str, date]]:
    """The days that are known of the user and meet the message's span."""
    span, known = message.data, state.facts(message.user, WornDay)
    last = local_day(span.last_time, "UTC") + timedelta(days=1)
    day = local_day(span.first_time, "UTC") - timedelta(days=1)
    while day <= last:
        fact = known.get(day.isoformat())
        if fact is not None:
            begin_us, end_us = day_bounds_us(day, fact.fact.zone)
            if begin_us <= span.last_time and end_us > span.first_time:
                yield message.user, day
        day += timedelta(days=1)


def _figures(found: WellnessDay, begin_us: int) -> dict[str, Any]:
    from_us = found.resting_from_us
    return {
        "worn_minutes": found.worn_minutes,
        "resting_heart_rate_bpm": found.resting_heart_rate_bpm,
        "resting_from_minute": None if from_us is None else (from_us - begin_us) / _US_PER_MINUTE,
        "ln_rmssd": found.ln_rmssd,
        "rmssd_ms": found.rmssd_ms,
        "reading_s": found.reading_s,
        "artefact_share": found.artefact_share,
        "hrv_fault": found.hrv_fault or "",
    }
