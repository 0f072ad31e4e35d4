"""Readings that were taken back: the facts, and rows without what was taken.

A row that is in the store already, or may be, is written once more as a tombstone, or without the channels that are
taken; one that comes after its withdrawal is not written at all. The version of a tombstone is the *first* record that
took the row, which is never later than a row that stands in its place; so it does not matter which of them is written
first, nor whether a worker that was fenced still writes the old row.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.days import local_day
from domain.rollups import CHANNELS as MINUTE_CHANNELS
from domain.rollups import US_PER_MINUTE
from domain.track import CHANNELS
from domain.withdrawals import NEVER, Readings, Withdrawal, replaced_by, taken
from schemas import hot
from schemas.channels import BY_NAME
from schemas.frames import Columns
from sinks.base import Rows
from sinks.columns import Table
from sinks.tables import MINUTE_PARTIALS, RR_INTERVALS, SAMPLES
from stridelog.batch import Batch, Record, Writes
from stridelog.projections.live import last_sample_us
from stridelog.projections.samples import PRODUCER, RR
from stridelog.state import State
from stridelog.stored_readings import Stored

Withdrawals = Mapping[str, Sequence[tuple[int, Withdrawal]]]  # user → offset of the record that brought it, and it

NEAR_US: Final = 60_000_000


class New(NamedTuple):
    """What the batch takes back of a user's readings: one withdrawal, or several that follow each other."""

    user: str
    zone: str
    withdrawal: Withdrawal


class Left(NamedTuple):
    """A batch without the readings that were taken back before they came, and its frames as columns."""

    batch: Batch
    columns: Columns


@dataclass(frozen=True, slots=True)
class Timed:
    """A table of readings: the column of time, until when a row lasts (a column, inclusive, or µs), and what stands in
    columns of a taken channel.
    """

    table: Table
    time: str
    lasts: str | int
    empty: Mapping[str, Mapping[str, Any]]

    def ends_us(self, rows: pa.Table, first_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """The microsecond after each row."""
        return first_us + self.lasts if isinstance(self.lasts, int) else _microseconds(rows.column(self.lasts)) + 1


def _of_minutes(channel: str) -> dict[str, Any]:
    plain = channel.partition("_")[0] if not channel.startswith("heart") else "heart_rate"
    return {f"{channel}_sum": 0.0, f"{channel}_min": None, f"{channel}_max": None, f"{plain}_count": 0}


_TIMED: Final = (
    Timed(SAMPLES, "time", 1, {channel: {channel: None} for channel in CHANNELS}),
    Timed(RR_INTERVALS, "time", "last_time", {RR: {RR: []}}),
    Timed(
        MINUTE_PARTIALS,
        "minute",
        US_PER_MINUTE,
        {**{channel: _of_minutes(channel) for channel in MINUTE_CHANNELS}, "distance_m": {"distance_m": 0.0}},
    ),
)


def keep(batch: Batch, state: State) -> tuple[list[New], Counter[str]]:
    """Keep what the batch takes back: what no earlier record has said, and how many records said nothing new."""
    found: list[New] = []
    dropped: Counter[str] = Counter()
    frame = hot.SensorFrame
    taking = [one for one in batch.records if type(one.message) is not frame or one.message.revision]
    for offset, _, message in taking:  # of most batches nothing
        if type(message) is frame:
            device, first_us, last_us = message.device_id, message.start, last_sample_us(message)
            withdrawal = replaced_by(device, first_us, last_us, message.revision)
            id = f"{device}/{first_us}/{last_us}/{message.revision}"
        elif type(message) is hot.ReadingsDeleted:
            data = message.data
            columns = tuple(sorted(BY_NAME[name].column for name in data.channels))
            withdrawal, id = Withdrawal(data.device_id, data.start, data.end, data.revision, columns), message.id
        else:
            continue
        known = state.get(message.user, Withdrawal, id)
        if known is not None and known.offset < offset:
            dropped["duplicate"] += type(message) is hot.ReadingsDeleted
            continue
        state.put(message.user, id, withdrawal, offset)
        found.append(New(message.user, message.zone, withdrawal))
    return _joined(found), dropped


def _joined(new: Sequence[New]) -> list[New]:
    """Those that follow each other as one: so a workout that is corrected frame by frame is looked up once."""
    found: list[New] = []
    for one in sorted(new, key=lambda each: (_kind(each), each.withdrawal.first_us)):
        last = found[-1] if found else None
        if last is None or _kind(last) != _kind(one) or one.withdrawal.first_us > last.withdrawal.end_us + NEAR_US:
            found.append(one)
        elif one.withdrawal.end_us > last.withdrawal.end_us:
            longer = msgspec.structs.replace(last.withdrawal, end_us=one.withdrawal.end_us)
            found[-1] = last._replace(withdrawal=longer)
    return found


def _kind(new: New) -> tuple[str, str, int, tuple[str, ...]]:
    return new.user, new.withdrawal.device_id or "", new.withdrawal.revision, new.withdrawal.columns


def withdrawals_of(batch: Batch, state: State) -> Withdrawals:
    """All that is taken back of users of the batch; most have nothing, and are not here."""
    users = {record.message.user for record in batch.records}
    return {
        user: [(known.offset, known.fact) for known in facts.values()]
        for user in users
        if (facts := state.facts(user, Withdrawal))
    }


def left_of(batch: Batch, columns: Columns, withdrawals: Withdrawals) -> Left:
    """The batch, whose frames are ``columns``, without what earlier records took back: itself, if that is nothing."""
    frames = [record for record in batch.records if type(record.message) is hot.SensorFrame]
    if not frames or not withdrawals:
        return Left(batch, columns)
    rows, values = _left(frames, columns, withdrawals)
    says = np.bincount(columns.frame[rows], minlength=len(frames)) > 0
    void = {record.offset for record, says_any in zip(frames, says, strict=True) if not says_any}
    number = np.cumsum(says) - 1
    standing = {name: value[rows] for name, value in values.items()}
    return Left(
        Batch(batch.span, [record for record in batch.records if record.offset not in void]),
        Columns(number[columns.frame[rows]], columns.time_us[rows], standing, {}),
    )


def without_taken(writes: Writes, new: Sequence[New], stored: Sequence[Stored], withdrawals: Withdrawals) -> Writes:
    """What to write instead of ``writes``, which have all that the frames say; ``stored`` is what is there under each
    of ``new``.
    """
    given = {rows.table: rows for rows in writes.clickhouse}
    clickhouse: list[Rows] = []
    for timed in _TIMED:
        known = [found.rows[timed.table.name] for found in stored]
        rows = given.get(timed.table.name)
        if rows is not None or any(table.num_rows for table in known):
            clickhouse += _parted(rows, known, timed, withdrawals)
    return replace(writes, clickhouse=clickhouse, messages=[*writes.messages, *taken_back(new, stored)])


def _left(
    frames: Sequence[Record], columns: Columns, withdrawals: Withdrawals
) -> tuple[NDArray[np.bool_], dict[str, NDArray[Any]]]:
    """The rows of which no earlier record has taken the whole, and their values without what was taken."""
    rows, values = np.ones(len(columns.frame), dtype=bool), {**columns.values}
    ends = np.cumsum(np.bincount(columns.frame, minlength=len(frames)))
    for index, (offset, _, frame) in enumerate(frames):
        earlier = [(at, one) for at, one in withdrawals.get(frame.user, ()) if at < offset]
        if not earlier:
            continue
        mine = slice(int(ends[index - 1]) if index else 0, int(ends[index]))
        time_us = columns.time_us[mine]
        device = np.full(len(time_us), frame.device_id, dtype=object)
        found = taken(Readings(device, time_us, time_us + 1, np.full(len(time_us), frame.revision)), earlier)
        rows[mine] = found.whole == NEVER
        for name in found.columns.keys() & values.keys():
            if values[name] is columns.values[name]:
                values[name] = values[name].copy()
            values[name][mine][found.columns[name] >= 0] = np.nan
    return rows, values


def _parted(rows: Rows | None, stored: Sequence[pa.Table], timed: Timed, withdrawals: Withdrawals) -> list[Rows]:
    """The rows of users who took nothing back as they are, and the others with what is stored of them."""
    name, mine, rest = timed.table.name, list(stored), list[Rows]()
    if rows is not None:
        names = _dictionary(rows.columns.column("user_id"))
        numbers = [code for code, user in enumerate(names.dictionary.to_pylist()) if user in withdrawals]
        touched = np.isin(names.indices.to_numpy(), numbers)
        mine.append(rows.columns.filter(pa.array(touched)))
        rest.append(Rows(name, rows.columns.filter(pa.array(~touched))))
    all_of_mine = pa.concat_tables([timed.table.conform(table) for table in mine], promote_options="default")
    return [*rest, Rows(name, _standing(all_of_mine, timed, withdrawals))] if all_of_mine.num_rows else rest


def _standing(rows: pa.Table, timed: Timed, withdrawals: Withdrawals) -> pa.Table:
    n = rows.num_rows
    users, devices = (_objects(rows.column(name)) for name in ("user_id", "device_id"))
    first_us = _microseconds(rows.column(timed.time))
    end_us = timed.ends_us(rows, first_us)
    offset = rows.column("source_offset").to_numpy().astype(np.int64)
    revision = np.zeros(n, dtype=np.int64)
    if "revision" in rows.column_names:
        revision = rows.column("revision").fill_null(0).to_numpy().astype(np.int64)
    whole = np.full(n, NEVER, dtype=np.int64)
    version = offset.copy()
    empty: dict[str, NDArray[np.bool_]] = {name: np.zeros(n, dtype=bool) for name in timed.empty}
    for user, known in withdrawals.items():
        at = np.flatnonzero(users == user)
        readings = Readings(devices[at], first_us[at], end_us[at], revision[at])
        found = taken(readings, known)
        whole[at] = found.whole
        for name in found.columns.keys() & empty.keys():
            empty[name][at] = found.columns[name] >= 0
            version[at] = np.maximum(version[at], found.columns[name])
    gone = whole != NEVER
    version[gone] = whole[gone]
    columns = {name: rows.column(name) for name in rows.column_names}
    for channel, values in timed.empty.items():
        for name, value in values.items():
            if name in columns:
                columns[name] = _replaced(columns[name], gone | empty[channel], value)
    columns |= {"revision": pa.array(revision, pa.uint16()), "deleted": pa.array(gone, pa.uint8())}
    columns["source_offset"] = pa.array(version, pa.uint64())
    kept = np.flatnonzero(~gone | (whole > offset))
    return pa.table(columns).take(pa.array(kept[_last_of_key(pa.table(columns).take(pa.array(kept)), timed.table)]))


def taken_back(new: Sequence[New], stored: Sequence[Stored]) -> list[hot.SamplesStored | hot.WearStored]:
    """The news that the samples of workouts and of days have changed: what is stored under each of ``new``."""
    said: list[hot.SamplesStored | hot.WearStored] = []
    for one, found in zip(new, stored, strict=True):
        head = {"user": one.user, "zone": one.zone, "source": PRODUCER, "producer": PRODUCER}
        for workout_id, first_us, last_us, samples in found.workouts:
            data = hot.SamplesStoredData(
                workout_id=workout_id, first_time=first_us, last_time=last_us, frames=0, samples=samples
            )
            said.append(hot.SamplesStored.of(time=last_us, data=data, **head))
        if found.wear is not None:
            first_us, last_us = found.wear
            day = local_day(last_us, one.zone)
            worn = hot.WearStoredData(local_day=day, first_time=first_us, last_time=last_us, samples=0)
            said.append(hot.WearStored.of(time=last_us, data=worn, **head))
    return said


def _last_of_key(rows: pa.Table, table: Table) -> NDArray[np.int64]:
    """The row of each key with the highest version, of equal ones the last."""
    last: dict[tuple[Any, ...], tuple[int, int]] = {}
    keys = zip(*(_objects(rows.column(name)) for name in table.order_by), strict=True)
    for index, (key, version) in enumerate(zip(keys, rows.column("source_offset").to_pylist(), strict=True)):
        last[key] = max(last.get(key, (0, 0)), (version, index))
    return np.array(sorted(index for _, index in last.values()), dtype=np.int64)


def _replaced(column: pa.ChunkedArray, where: NDArray[np.bool_], value: Any) -> pa.ChunkedArray:
    return pc.if_else(pa.array(where), pa.scalar(value, column.type), column)


def _microseconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    times: NDArray[np.int64] = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    return times


def _objects(column: pa.ChunkedArray) -> NDArray[np.object_]:
    plain = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    found: NDArray[np.object_] = np.array(plain.to_pylist(), dtype=object)
    return found


def _dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    one = column.combine_chunks()
    return one.chunk(0) if isinstance(one, pa.ChunkedArray) else one
