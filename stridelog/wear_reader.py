"""A day's heart rate and heart beats of what is worn all day, from ClickHouse."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.track import FloatColumn
from domain.wellness import BeatFrames
from stridelog.clickhouse_reader import ClickHouseReader
from stridelog.readers import QUERIES_AT_ONCE
from stridelog.settings import Settings

DAYS_PER_QUERY: Final = 50

_WHERE: Final = """
WHERE user_id IN {users:Array(String)} AND workout_id = '' AND time >= fromUnixTimestamp64Micro({first:Int64})
    AND time < fromUnixTimestamp64Micro({last:Int64})
"""
_SETTINGS: Final = "SETTINGS do_not_merge_across_partitions_select_final = 1"
_HEART_RATE: Final = f"""
SELECT user_id, toUnixTimestamp64Micro(time) AS at, toFloat64(heart_rate_bpm) AS bpm
FROM {{database:Identifier}}.samples FINAL {_WHERE} AND heart_rate_bpm IS NOT NULL
ORDER BY user_id, time, device_id {_SETTINGS}
"""  # noqa: S608
_BEATS: Final = f"""
SELECT user_id, device_id, toUnixTimestamp64Micro(time) AS at, toUnixTimestamp64Micro(last_time) AS last_at, rr_ms
FROM {{database:Identifier}}.rr_intervals FINAL {_WHERE}
ORDER BY user_id, device_id, time {_SETTINGS}
"""  # noqa: S608


class Window(NamedTuple):
    """From when to before when (UTC, microseconds) a user's samples are wanted."""

    user: str
    first_us: int
    last_us: int


class Worn(NamedTuple):
    """What was measured in a window: times (n,) that rise, heart rate (n,), and the beats of each device."""

    time_us: NDArray[np.int64]
    heart_rate_bpm: FloatColumn
    beats: Mapping[str, BeatFrames]


class WearReader(ClickHouseReader):
    """Samples of all-day wear, from ClickHouse."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._room = asyncio.Semaphore(QUERIES_AT_ONCE)

    async def windows(self, wanted: Iterable[Window]) -> AsyncIterator[dict[Window, Worn]]:
        """What was measured in each window, some windows at a time; each is there once, empty ones too.

        Raises ``SinkUnavailable``: ask again. Of several devices at one time the one whose id sorts last counts.
        """
        ordered = sorted(set(wanted), key=lambda window: (window.first_us, window.user))
        for begin in range(0, len(ordered), DAYS_PER_QUERY):
            some = ordered[begin : begin + DAYS_PER_QUERY]
            async with self._room:
                heart_rate, beats = await self._ask(_HEART_RATE, some), await self._ask(_BEATS, some)
                yield {window: _worn(window, heart_rate, beats) for window in some}

    async def _ask(self, text: str, windows: list[Window]) -> dict[str, pa.Table]:
        """The rows of each user."""
        parameters = {
            "database": self._settings.namespace,
            "users": sorted({window.user for window in windows}),
            "first": min(window.first_us for window in windows),
            "last": max(window.last_us for window in windows),
        }
        async with self._asking("reading wear"):
            table = await self._client.query_arrow(text, parameters=parameters, use_strings=True)
        return _by(table, "user_id") if table.num_rows else {}


def _by(table: pa.Table, name: str) -> dict[str, pa.Table]:
    """The rows of each text of a column; rows of one text follow each other."""
    column = table.column(name).combine_chunks().dictionary_encode()
    codes = column.indices.to_numpy()
    begins = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
    ends = [*begins[1:], len(codes)]
    return {
        column.dictionary[codes[begin]].as_py(): table.slice(begin, end - begin)
        for begin, end in zip(begins, ends, strict=True)
    }


def _worn(window: Window, heart_rate: Mapping[str, pa.Table], beats: Mapping[str, pa.Table]) -> Worn:
    time_us, bpm = np.empty(0, dtype=np.int64), np.empty(0)
    if window.user in heart_rate:
        rows = _within(heart_rate[window.user], window)
        time_us, bpm = rows.column("at").to_numpy(), rows.column("bpm").to_numpy()
        last = np.append(time_us[1:] != time_us[:-1], True) if len(time_us) else np.empty(0, dtype=np.bool_)
        time_us, bpm = time_us[last], bpm[last]
    devices = _by(beats[window.user], "device_id") if window.user in beats else {}
    return Worn(time_us, bpm, {device: _frames(_within(rows, window)) for device, rows in devices.items()})


def _within(rows: pa.Table, window: Window) -> pa.Table:
    first, last = np.searchsorted(rows.column("at").to_numpy(), (window.first_us, window.last_us)).tolist()
    return rows.slice(first, last - first)


def _frames(rows: pa.Table) -> BeatFrames:
    lengths = rows.column("rr_ms").combine_chunks()
    offsets = np.zeros(rows.num_rows + 1, dtype=np.int64)
    np.cumsum(lengths.value_lengths().to_numpy(zero_copy_only=False), out=offsets[1:])
    return BeatFrames(
        start_us=rows.column("at").to_numpy(),
        last_us=rows.column("last_at").to_numpy(),
        offsets=offsets,
        rr_ms=lengths.flatten().to_numpy(zero_copy_only=False).astype(np.float64),
    )
