"""Sensor frames and workout events as live sessions and the live board in Redis: what goes on right now."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.live import (
    CHANNELS,
    DELETED_WITHIN_S,
    FRAME_SPANS,
    LIVE_DELAY_S,
    METRICS,
    REMEMBERED_S,
    SMOOTHING_S,
    SPAN_S,
    STANDING_BELOW_M_S,
    LiveFrame,
    LiveState,
    Session,
    Sessions,
    current,
    going_on,
    is_newer,
    minutes,
    over_s,
)
from schemas import hot
from schemas.channels import FloatColumn
from schemas.frames import Columns
from sinks.base import RedisCommand
from sinks.keys import Keys
from stridelog.batch import Batch

_US: Final = 1_000_000
_AHEAD_MINUTES: Final = -(-LIVE_DELAY_S // 60)  # how far a device's clock may be ahead
_to_json = msgspec.json.Encoder().encode


class LiveBatch:
    """What of a batch is live: frames by the log's clock, not by ours, and events of workouts that may be going on.

    Of readings that were taken back before a frame came, the batch and its ``columns`` have nothing.
    """

    def __init__(self, batch: Batch, columns: Columns) -> None:
        self._frames = batch.logged(hot.SensorFrame)
        self._columns = columns
        # user → index of the frame, frame; or none: what came before was deleted
        self._live: dict[str, list[tuple[int, LiveFrame | None]]] = defaultdict(list)
        self._events: dict[str, list[Any]] = defaultdict(list)
        ended = _ended(batch)
        if self._frames or ended:
            self._take_frames(ended)
            return  # a batch is of one topic
        for _, logged_ms, message in batch.records:
            if _is_of_now(logged_ms, message):
                self._events[message.user].append(message)

    @property
    def users(self) -> list[str]:
        """Whose sessions the batch is about."""
        return [*self._live, *(user for user in self._events if user not in self._live)]

    def commands(self, standing: Sequence[tuple[Sessions, LiveState]], keys: Keys) -> list[RedisCommand]:
        """The sessions of ``users``, which stand as ``standing`` says, with what the batch adds.

        Users go off boards before their sessions go, and come on after: the sink may cut the commands, and whoever goes
        on after a crash finds in the sessions on which boards users may be.
        """
        boards = _Boards()
        said: list[RedisCommand] = []
        before = [[*sessions.values()] for sessions, _ in standing]
        self._take(standing)
        for user, old, (sessions, state) in zip(self.users, before, standing, strict=True):
            now = going_on(sessions, state)
            shown = current(now)
            state.forget()
            boards.put(user, shown, old)
            if shown is None:
                said.append(("UNLINK", keys.live(user)))
            else:
                said.append(("SET", keys.live(user), _to_json(now), "EXAT", over_s(shown.time_us)))
            said.append(("SET", keys.live_state(user), _to_json(state), "EXAT", state.heard_us // _US + REMEMBERED_S))
        return [*boards.gone(keys), *said, *boards.places(keys)]

    def _take(self, standing: Sequence[tuple[Sessions, LiveState]]) -> None:
        """Put events and frames into the sessions and states of ``users``."""
        renewed: list[tuple[int, Session]] = []  # sessions, and the frames that they are by now
        for user, (sessions, state) in zip(self.users, standing, strict=True):
            for event in self._events.get(user, ()):
                _hear(state, event)
            by_now: dict[str, int] = {}  # workout → frame
            for index, frame in self._live.get(user, ()):
                if frame is None:
                    sessions.clear()
                    by_now.clear()
                    state.begin_anew()
                    continue
                workout_id = frame.workout_id
                so_far = state.of(workout_id)
                so_far.take(frame)
                if not so_far.over and is_newer(frame, sessions.get(workout_id)):
                    sessions[workout_id] = Session(workout_id, frame.device_id, frame.time_us)
                    by_now[workout_id] = index
            renewed += ((index, sessions[workout_id]) for workout_id, index in by_now.items())
        if not renewed:
            return
        chosen = np.fromiter((index for index, _ in renewed), dtype=np.int64, count=len(renewed))
        for name, decimals in CHANNELS.items():
            if name in self._columns.values:
                values = _last(self._columns.values[name], self._ends, chosen, decimals)
                for (_, session), value in zip(renewed, values, strict=True):
                    if value == value:  # not NaN
                        setattr(session, name, value)

    def _take_frames(self, ended: Sequence[tuple[int, str]]) -> None:
        said: list[tuple[int, str, LiveFrame | None]] = [(number, user, None) for number, user in ended]
        said += self._live_frames()
        if ended:
            said.sort(key=lambda one: (one[0], one[2] is not None))
        for index, user, frame in said:
            self._live[user].append((index, frame))

    def _live_frames(self) -> Iterator[tuple[int, str, LiveFrame]]:
        """The index of each frame that is live, whose it is, and what it adds."""
        frames, columns = self._frames, self._columns
        if not frames:
            return
        counts = np.bincount(columns.frame, minlength=len(frames))
        self._ends = np.cumsum(counts)
        last_us = columns.time_us[self._ends - 1]
        logged_us = 1000 * np.fromiter((logged_ms for logged_ms, _ in frames), dtype=np.int64, count=len(frames))
        of_workout = np.fromiter((frame.workout_id is not None for _, frame in frames), dtype=bool, count=len(frames))
        live = np.flatnonzero(of_workout & (np.abs(logged_us - last_us) <= LIVE_DELAY_S * _US))
        if not len(live):
            return
        moving, sums, known = _summed(columns, live, counts, self._ends)
        found = zip(live.tolist(), last_us[live].tolist(), moving.tolist(), sums.tolist(), known.tolist(), strict=True)
        for index, time_us, *figures in found:
            frame = frames[index][1]
            if frame.workout_id is not None:
                yield index, frame.user, LiveFrame(frame.workout_id, frame.device_id, time_us, *figures)


class _Boards:
    """Who is on the live boards of which minute, and who is not any more."""

    def __init__(self) -> None:
        self._live: dict[int, list[tuple[str, Session]]] = defaultdict(list)  # minute of the last sample → who
        self._gone: dict[tuple[str, int], list[str]] = defaultdict(list)

    def put(self, user: str, shown: Session | None, before: Sequence[Session]) -> None:
        """The user's place in each minute of their session, and in no other that a session of before was in."""
        live = range(0)
        if shown is not None:
            live = minutes(shown.time_us)
            self._live[live.start].append((user, shown))
        for session in before:
            if shown is None or session.time_us > shown.time_us:
                for minute in {*_may_be_on(session.time_us)} - {*live}:
                    for metric in METRICS:
                        self._gone[metric, minute].append(user)
            if shown is not None and shown.distance_m is None and session.distance_m is not None:
                for minute in _may_be_on(session.time_us):
                    self._gone["distance", minute].append(user)

    def gone(self, keys: Keys) -> list[RedisCommand]:
        """Takes users off boards."""
        return [("ZREM", keys.live_board(*board), *users) for board, users in self._gone.items()]

    def places(self, keys: Keys) -> list[RedisCommand]:
        """Puts users on boards, each of which goes with its minute."""
        name = keys.live_board
        said: list[RedisCommand] = []
        for live in self._live.values():
            places: dict[str, list[str | float]] = {"distance": [], "moving_time": []}
            for user, session in live:
                if session.distance_m is not None:
                    places["distance"] += (session.distance_m, user)
                places["moving_time"] += (session.moving_time_s, user)
            for minute in minutes(live[0][1].time_us):
                for metric, ranked in places.items():
                    if ranked:
                        said.append(("ZADD", name(metric, minute), *ranked))
                        said.append(("EXPIREAT", name(metric, minute), 60 * (minute + 1)))
        return said


def last_sample_us(frame: hot.SensorFrame) -> int:
    """Time of the frame's last sample, UTC µs."""
    if frame.time is not None:
        return frame.start + 1000 * int.from_bytes(frame.time[-4:], "little")
    return frame.start + (frame.n - 1) * (frame.interval_us or 0)


def _is_of_now(logged_ms: int, message: Any) -> bool:
    """Whether an event can be about a workout that is going on; imports of old ones are not."""
    kinds = hot.WorkoutStarted | hot.WorkoutCompleted | hot.WorkoutDeleted | hot.UserErased
    return isinstance(message, kinds) and abs(1000 * logged_ms - message.time) <= REMEMBERED_S * _US


def _ended(batch: Batch) -> list[tuple[int, str]]:
    """Whose sessions a deletion of the last minutes ends, and before which of the batch's frames."""
    found: list[tuple[int, str]] = []
    frames = 0
    for _, logged_ms, message in batch.records:
        kind = type(message)
        if kind is hot.SensorFrame:
            frames += 1
        elif kind is hot.ReadingsDeleted and message.data.end > 1000 * logged_ms - DELETED_WITHIN_S * _US:
            found.append((frames, message.user))
    return found


def _hear(state: LiveState, event: Any) -> None:
    match event:
        case hot.WorkoutStarted(time=time_us, data=data):
            state.heard(data.workout_id, time_us, sport=data.sport)
        case hot.WorkoutCompleted(time=time_us, data=data) | hot.WorkoutDeleted(time=time_us, data=data):
            state.heard(data.workout_id, time_us, over=True)
        case hot.UserErased(time=time_us):
            state.erased_us = max(state.erased_us, time_us)


def _may_be_on(time_us: int) -> range:
    """The minutes of boards on which the sessions were that led to one at ``time_us``, as far as they are to come."""
    live = minutes(time_us)
    return range(live.start - _AHEAD_MINUTES, live.stop)


def _summed(
    columns: Columns, live: NDArray[np.int64], counts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each live frame: spans with moving as bits, sum (mm/s) and count of the speeds of its last SMOOTHING_S."""
    is_live = np.zeros(len(counts), dtype=bool)
    is_live[live] = True
    rows = slice(None) if len(live) == len(counts) else np.flatnonzero(np.repeat(is_live, counts))
    starts = np.concatenate(([0], np.cumsum(counts[live])[:-1]))
    time_us = columns.time_us[rows]
    last_us = np.repeat(columns.time_us[ends[live] - 1], counts[live])
    age = last_us // (SPAN_S * _US) - time_us // (SPAN_S * _US)
    speed = columns.values["speed_m_s"][rows] if "speed_m_s" in columns.values else np.full(len(time_us), np.nan)
    moved = ~(speed < STANDING_BELOW_M_S) & (age < FRAME_SPANS)  # a device without speed: it records, so they move
    moving = np.bitwise_or.reduceat(np.where(moved, 1 << np.minimum(age, FRAME_SPANS), 0), starts)
    recent = (time_us > last_us - SMOOTHING_S * _US) & ~np.isnan(speed)
    mm_s = np.where(recent, np.rint(speed * 1000), 0).astype(np.int64)
    return moving, np.add.reduceat(mm_s, starts), np.add.reduceat(recent.astype(np.int64), starts)


def _last(column: FloatColumn, ends: NDArray[np.int64], chosen: NDArray[np.int64], decimals: int) -> list[float]:
    """The last value that each chosen frame has in a column; NaN if none. ``ends`` (frames,): row after a frame's."""
    values = column[ends[chosen] - 1].astype(np.float64)
    for place in np.flatnonzero(np.isnan(values)).tolist():
        index = chosen[place]
        rows = column[ends[index - 1] if index else 0 : ends[index]]
        present = rows[~np.isnan(rows)]
        values[place] = present[-1] if len(present) else np.nan
    found: list[float] = values.round(decimals).tolist()
    return found
