"""What agents read from, other than their batch and their state."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from redis.asyncio import Redis

from domain.live import LiveState, Sessions
from domain.track import CHANNELS, NO_SAMPLES, Track, track_from_columns
from sinks.keys import Keys
from sinks.redis import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, mapped
from stridelog.clickhouse_reader import ClickHouseReader
from stridelog.settings import Settings

WORKOUTS_PER_QUERY: Final = 50  # an hour of samples is 300 kB as columns
Key = tuple[str, str]  # user, workout id
QUERIES_AT_ONCE: Final = 2  # one is worked on and one is on its way, however many partitions there are

POSITIONS: Final = ("latitude_deg", "longitude_deg")


def _select(channels: Sequence[str]) -> str:
    """Columns of the domain's Track, in the form that it takes; what varies otherwise is a parameter."""
    return f"""
SELECT toLowCardinality(workout_id) AS workout, time,
    {", ".join(f"ifNull(toFloat64({name}), nan) AS {name}_or_nan" for name in channels)}
FROM {{database:Identifier}}.samples FINAL
WHERE (user_id, workout_id) IN {{keys:Array(Tuple(String, String))}}
ORDER BY workout_id, device_id, time
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_arrow_low_cardinality_as_dictionary = 1
"""  # noqa: S608 - names of columns


class RawSamples:
    """Whether raw samples are kept at all (setting ``keep_samples``)."""

    def __init__(self, settings: Settings) -> None:
        self.kept = settings.keep_samples

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from."""


class LiveReader:
    """Live sessions as they stand in Redis. Only whoever owns a user's partition writes them, one batch at a time."""

    def __init__(self, settings: Settings) -> None:
        self._keys = Keys(settings.namespace)
        self._sessions = msgspec.json.Decoder(Sessions)
        self._state = msgspec.json.Decoder(LiveState)
        self._client: Redis = Redis.from_url(
            settings.redis, socket_timeout=ANSWER_TIMEOUT_S, socket_connect_timeout=CONNECT_TIMEOUT_S
        )

    async def open(self) -> None:
        """Nothing to prepare: it connects with the first question."""

    async def close(self) -> None:
        """Disconnect."""
        await self._client.aclose()

    async def standing(self, users: Sequence[str]) -> list[tuple[Sessions, LiveState]]:
        """Each user's sessions and state, in the order of ``users``. Raises ``SinkUnavailable``: ask again."""
        if not users:
            return []
        names = [self._keys.live(user) for user in users] + [self._keys.live_state(user) for user in users]
        async with mapped():
            found = await self._client.mget(names)
        return [
            (self._sessions.decode(sessions) if sessions else {}, self._state.decode(state) if state else LiveState())
            for sessions, state in zip(found[: len(users)], found[len(users) :], strict=True)
        ]


class SamplesReader(ClickHouseReader):
    """Samples of workouts, from ClickHouse."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._room = asyncio.Semaphore(QUERIES_AT_ONCE)

    async def tracks(self, keys: Iterable[Key], channels: Sequence[str] = CHANNELS) -> AsyncIterator[dict[Key, Track]]:
        """The samples of workouts, given as (user, workout id), some workouts at a time; each is there once, those
        without samples too. What was given is gone when more is asked for. Only ``channels`` are read.

        Raises ``SinkUnavailable``: ask again.

        Samples of several devices at one time are merged channel by channel, the device whose id sorts last counting.
        """
        async for given in self.tracks_together(([key] for key in sorted(set(keys))), channels):
            yield given

    async def tracks_together(
        self, groups: Iterable[Sequence[Key]], channels: Sequence[str] = CHANNELS
    ) -> AsyncIterator[dict[Key, Track]]:
        """The same for groups of workouts: those of one group are given at the same time."""
        for some in _portions(groups):
            async with self._room:
                found = _tracks(await self._ask(some, channels), channels)
                given = {key: found.get(key[1], NO_SAMPLES) for key in some}
                yield given
                given.clear()  # not only when the next ones are there
                del found

    async def _ask(self, keys: list[Key], channels: Sequence[str]) -> pa.Table:
        parameters = {"database": self._settings.namespace, "keys": keys}
        async with self._asking("reading samples"):
            found: pa.Table = await self._client.query_arrow(_select(channels), parameters=parameters, use_strings=True)
        return found


def _portions(groups: Iterable[Sequence[Key]]) -> Iterator[list[Key]]:
    """Groups in portions of one query: each has at least one group, and groups are whole."""
    some: list[Key] = []
    for group in groups:
        if some and len(some) + len(group) > WORKOUTS_PER_QUERY:
            yield some
            some = []
        some += group
    if some:
        yield some


def _tracks(table: pa.Table, channels: Sequence[str]) -> dict[str, Track]:
    if not table.num_rows:
        return {}
    ids = table.column("workout").unify_dictionaries().combine_chunks()
    codes = ids.indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    times = table.column("time").cast(pa.int64()).to_numpy()
    columns = {name: table.column(f"{name}_or_nan").to_numpy() for name in channels}
    tracks = {}
    for begin, end in zip(starts, [*starts[1:], len(codes)], strict=True):
        rows = slice(begin, end)
        tracks[ids.dictionary[codes[begin]].as_py()] = track_from_columns(
            times[rows], **{name: column[rows] for name, column in columns.items()}
        )
    return tracks
