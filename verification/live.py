"""Live sessions, the live board, thresholds and names, as Redis must have them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from schemas import hot
from schemas.frames import unpack
from verification.outcomes import Valid

LIVE_WITHIN_S: Final = 120
LIVE_MINUTES: Final = 3  # the minute of the last sample, and two more
MEAN_OF_S: Final = 30
SPAN_S: Final = 10
SPANS_OF_A_FRAME: Final = 30
STANDING_BELOW_M_S: Final = 0.3
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


def live_sessions(
    frames: Iterable[Valid], workout_events: Iterable[Valid], user_events: Iterable[Valid], *, since_s: float
) -> dict[str, dict[str, LiveSession]]:
    """Sessions by user and workout of those that are not over before ``since_s`` (Unix time)."""
    marks = _marks(workout_events, user_events)
    by_workout: dict[tuple[str, str], list[hot.SensorFrame]] = defaultdict(list)
    for _, logged_ms, frame in frames:
        if frame.workout_id is not None and abs(logged_ms * 1000 - last_sample_us(frame)) <= LIVE_WITHIN_S * US_PER_S:
            by_workout[frame.user, frame.workout_id].append(frame)
    found: dict[str, dict[str, LiveSession]] = defaultdict(dict)
    for (user, workout_id), said in by_workout.items():
        newest = said[0]
        for frame in said[1:]:
            if (last_sample_us(frame), frame.device_id) >= (last_sample_us(newest), newest.device_id):
                newest = frame
        known, time_us = marks[user], last_sample_us(newest)
        is_over = LiveSession({"time_us": time_us}).over_s < since_s
        if is_over or workout_id in known.ended or time_us <= known.erased_us:
            continue
        found[user][workout_id] = LiveSession(_fields(newest, said, known.sport.get(workout_id)))
    return dict(found)


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


def _fields(newest: hot.SensorFrame, said: Iterable[hot.SensorFrame], sport: str | None) -> dict[str, Any]:
    time_us = last_sample_us(newest)
    fields: dict[str, Any] = {"workout_id": newest.workout_id, "device_id": newest.device_id, "time_us": time_us}
    columns = unpack(newest)
    for name, decimals in DECIMALS.items():
        known = [value for value in columns[name].tolist() if not np.isnan(value)] if name in columns else []
        if known:
            fields[name] = round(known[-1], decimals)
    moved: set[int] = set()
    speeds: dict[int, list[int]] = {}  # frame's last sample → mm/s
    for frame in said:
        end_us = last_sample_us(frame)
        of_frame = unpack(frame)
        speed = of_frame.get("speed_m_s", np.full(frame.n, np.nan))
        spans = of_frame["time_us"] // (SPAN_S * US_PER_S)
        near = spans > end_us // (SPAN_S * US_PER_S) - SPANS_OF_A_FRAME
        moved |= set(spans[near & ~(speed < STANDING_BELOW_M_S)].tolist())
        recent = speed[(of_frame["time_us"] > end_us - MEAN_OF_S * US_PER_S) & ~np.isnan(speed)]
        if len(recent):
            speeds[end_us] = [round(1000 * float(value)) for value in recent]
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


def last_sample_us(frame: hot.SensorFrame) -> int:
    if frame.time is None:
        return int(frame.start + (frame.n - 1) * (frame.interval_us or 0))
    return int(frame.start + 1000 * int(np.frombuffer(frame.time, dtype="<u4")[-1]))


def thresholds(user_events: Iterable[Valid]) -> dict[str, dict[str, float]]:
    """The figures of each profile that heart rate zones need, as last said."""
    found: dict[str, dict[str, float]] = {}
    for _, _, message in user_events:
        match message:
            case hot.UserRegistered() | hot.ProfileChanged():
                said = {name: getattr(message.data, name) for name in THRESHOLDS}
                known = found.setdefault(message.user, {})
                known.update({name: float(value) for name, value in said.items() if value is not None})
            case hot.UserErased():
                found.pop(message.user, None)
    return {user: known for user, known in found.items() if known}


def display_names(user_events: Iterable[Valid]) -> dict[str, str]:
    """The last name of each user who was not erased since."""
    names: dict[str, str] = {}
    for _, _, message in user_events:
        match message:
            case hot.UserRegistered() | hot.ProfileChanged() if message.data.name is not None:
                names[message.user] = message.data.name
            case hot.UserErased():
                names.pop(message.user, None)
    return names
