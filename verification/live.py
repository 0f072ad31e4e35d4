"""Live sessions, the live board, thresholds and names, as Redis must have them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas import hot
from schemas.frames import unpack
from verification.outcomes import Valid
from verification.withdrawals import Takings, last_sample_us

LIVE_WITHIN_S: Final = 120
LIVE_MINUTES: Final = 3  # the minute of the last sample, and two more
MEAN_OF_S: Final = 30
SPAN_S: Final = 10
SPANS_OF_A_FRAME: Final = 30
STANDING_BELOW_M_S: Final = 0.3
DELETED_WITHIN_S: Final = 120
A_DAY_S: Final = 86_400
US_PER_S: Final = 1_000_000
DECIMALS: Final = {
    "heart_rate_bpm": 0,
    "cadence_rpm": 0,
    "power_w": 0,
    "distance_m": 2,
    "latitude_deg": 7,
    "longitude_deg": 7,
    "altitude_m": 2,
}
THRESHOLDS: Final = ("lthr_bpm", "hr_max_bpm", "birth_year")


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that has not ended, by its fields."""

    fields: Mapping[str, Any]

    @property
    def minutes(self) -> range:
        """The minutes since 1970 in which it is live."""
        first = self.fields["time_us"] // US_PER_S // 60
        return range(first, first + LIVE_MINUTES)

    @property
    def over_s(self) -> int:
        """When it is over (Unix time)."""
        return self.minutes.stop * 60


@dataclass(slots=True)
class _Marks:
    """What events said of a user's workouts."""

    sport: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    erased_us: int = 0


@dataclass(frozen=True, slots=True)
class _Said:
    """A live frame as it was when it came: without what the log had taken back before."""

    frame: hot.SensorFrame
    last_us: int
    left: Mapping[str, NDArray[Any]] | None = None  # columns, if something of the user's was taken back

    @property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        return unpack(self.frame) if self.left is None else self.left


def live_sessions(
    readings: Iterable[Valid],
    takings: Takings,
    workout_events: Iterable[Valid],
    user_events: Iterable[Valid],
    *,
    since_s: float,
) -> dict[str, dict[str, LiveSession]]:
    """Sessions by user and workout of those that are not over before ``since_s`` (Unix time).

    ``readings`` are frames and deletions in log order. A deletion that reaches into the last two minutes is the end of
    the sessions so far.
    """
    marks = _marks(workout_events, user_events)
    by_user: dict[str, dict[str, list[_Said]]] = defaultdict(dict)
    for record in readings:
        user = record.message.user
        if isinstance(record.message, hot.ReadingsDeleted):
            if record.message.data.end > (record.timestamp_ms - 1000 * DELETED_WITHIN_S) * 1000:
                by_user.pop(user, None)
        elif record.message.workout_id is not None:
            said = _said(record.message, takings.before(user, record.offset) if user in takings.by_user else None)
            if said and abs(record.timestamp_ms * 1000 - said.last_us) <= LIVE_WITHIN_S * US_PER_S:
                by_user[user].setdefault(record.message.workout_id, []).append(said)
    found: dict[str, dict[str, LiveSession]] = defaultdict(dict)
    for user, by_workout in by_user.items():
        known = marks[user]
        for workout_id, its in by_workout.items():
            newest = its[0]
            for said in its[1:]:
                if (said.last_us, said.frame.device_id) >= (newest.last_us, newest.frame.device_id):
                    newest = said
            is_over = LiveSession({"time_us": newest.last_us}).over_s < since_s
            if not is_over and workout_id not in known.ended and newest.last_us > known.erased_us:
                found[user][workout_id] = LiveSession(_fields(newest, its, known.sport.get(workout_id)))
    return dict(found)


def _said(frame: hot.SensorFrame, before: Takings | None) -> _Said | None:
    """What was left of a frame when it came; ``None``: nothing."""
    if before is None:
        return _Said(frame, last_sample_us(frame))
    columns = unpack(frame)
    times = columns["time_us"].astype(np.int64)
    stands = before.standing(frame, times, times + 1)
    if not stands.any():
        return None
    names = [name for name in (*DECIMALS, "speed_m_s") if name in columns]
    lost, _ = before.emptied(frame, times, times + 1, names)
    left = {name: np.where(lost.get(name, False), np.nan, columns[name])[stands] for name in names}
    return _Said(frame, int(times[stands][-1]), {**left, "time_us": times[stands]})


def _marks(workout_events: Iterable[Valid], user_events: Iterable[Valid]) -> defaultdict[str, _Marks]:
    marks: defaultdict[str, _Marks] = defaultdict(_Marks)
    for _, logged_ms, event in (*workout_events, *user_events):
        if abs(logged_ms * 1000 - event.time) > A_DAY_S * US_PER_S:
            continue
        match event:
            case hot.WorkoutStarted():
                marks[event.user].sport[event.data.workout_id] = event.data.sport
            case hot.WorkoutCompleted() | hot.WorkoutDeleted():
                marks[event.user].ended.add(event.data.workout_id)
            case hot.UserErased():
                marks[event.user].erased_us = max(marks[event.user].erased_us, event.time)
    return marks


def _fields(newest: _Said, its: Iterable[_Said], sport: str | None) -> dict[str, Any]:
    frame, time_us, columns = newest.frame, newest.last_us, newest.columns
    fields: dict[str, Any] = {"workout_id": frame.workout_id, "device_id": frame.device_id, "time_us": time_us}
    for name, decimals in DECIMALS.items():
        if name in columns and len(known := columns[name][~np.isnan(columns[name])]):
            fields[name] = round(float(known[-1]), decimals)
    moved: set[int] = set()
    speeds: dict[int, list[int]] = {}  # frame's last sample → mm/s
    for said in its:
        of_frame = said.columns
        times = of_frame["time_us"]
        speed = of_frame.get("speed_m_s", np.full(len(times), np.nan))
        spans = times // (SPAN_S * US_PER_S)
        near = spans > said.last_us // (SPAN_S * US_PER_S) - SPANS_OF_A_FRAME
        moved |= set(spans[near & ~(speed < STANDING_BELOW_M_S)].tolist())
        recent = speed[(times > said.last_us - MEAN_OF_S * US_PER_S) & ~np.isnan(speed)]
        if len(recent):
            speeds[said.last_us] = [round(1000 * float(value)) for value in recent]
    if moved:
        fields["moving_time_s"] = SPAN_S * len(moved)
    recent_us = time_us - MEAN_OF_S * US_PER_S
    mm_s = [value for end_us, of_frame in speeds.items() if end_us > recent_us for value in of_frame]
    if mm_s:
        fields["speed_m_s"] = round(sum(mm_s) / len(mm_s)) / 1000
    if sport is not None:
        fields["sport"] = sport
    return fields


def live_boards(sessions: Mapping[str, Mapping[str, LiveSession]]) -> dict[tuple[str, int], dict[str, float]]:
    """Who is on the board of each figure and minute, by the newest session of each."""
    boards: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for user, by_workout in sessions.items():
        newest = max(by_workout.values(), key=lambda one: (one.fields["time_us"], one.fields["workout_id"]))
        for minute in newest.minutes:
            boards["moving_time", minute][user] = float(newest.fields.get("moving_time_s", 0))
            if "distance_m" in newest.fields:
                boards["distance", minute][user] = newest.fields["distance_m"]
    return dict(boards)


def thresholds(user_events: Iterable[Valid]) -> dict[str, dict[str, float]]:
    """The figures of each profile that heart rate zones need."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for user, said in _told(user_events).items():
        for data in said:
            known = {name: getattr(data, name) for name in THRESHOLDS}
            found[user] |= {name: float(value) for name, value in known.items() if value is not None}
    return {user: known for user, known in found.items() if known}


def display_names(user_events: Iterable[Valid]) -> dict[str, str]:
    """The name of each user."""
    return {user: name for user, said in _told(user_events).items() for data in said if (name := data.name) is not None}


def _told(user_events: Iterable[Valid]) -> dict[str, list[Any]]:
    """What registered users said of themselves since their last erasure: at registration, and then by its time."""
    words: dict[str, list[tuple[bool, int, str, Any]]] = defaultdict(list)
    erased_us: dict[str, int] = {}
    for _, _, message in user_events:
        match message:
            case hot.UserRegistered() | hot.ProfileChanged():
                is_change = isinstance(message, hot.ProfileChanged)
                words[message.user].append((is_change, message.time, message.id, message.data))
            case hot.UserErased():
                erased_us[message.user] = max(message.time, erased_us.get(message.user, message.time))
    found: dict[str, list[Any]] = {}
    for user, all_of_them in words.items():
        left = sorted((w for w in all_of_them if w[1] > erased_us.get(user, -1)), key=lambda w: w[:3])
        if left and not left[0][0]:
            found[user] = [data for *_, data in left]
    return found
