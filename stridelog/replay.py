"""Replays recordings as the device would have sent them: a start, frames during the workout, the completion."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from domain.athlete import Athlete
from domain.summary import summarise
from recordings import SUFFIXES, Device, Recording, RecordingError, read_recording
from schemas import hot
from schemas.decode import BadRecord, decoder_for, encode
from schemas.types import TIME_MIN_US, USER_PATTERN
from stridelog import topics
from stridelog.devices import Beats, Session, completed, frames_of, started, workout_id_of
from stridelog.errors import UserError
from stridelog.pace import Pace
from stridelog.producer import Outlet

PRODUCER: Final = "stridelog-replay"
MESSAGE_TYPES: Final = ("UserRegistered", "WorkoutStarted", "SensorFrame", "WorkoutCompleted")


@dataclass(frozen=True, slots=True)
class Sent:
    """One workout that is in the log now."""

    workout_id: str
    sport: str
    start_us: int
    zone: str
    distance_m: float
    samples: int
    frames: int


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file: its workouts, or the reason why it has none. Warnings do not stop a file."""

    path: Path
    workouts: tuple[Sent, ...]
    reason: str | None
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything in the file was sent."""
        return self.reason is None


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The recordings among ``paths``: files as they are named, and in folders whatever has a suffix of a recording.

    Raises ``UserError`` for a path that does not exist, and when there is nothing to replay.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = (p for p in sorted(path.rglob("*")) if p.name.lower().endswith(SUFFIXES) and p.is_file())
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            raise UserError(f"{path}: no such file or folder: give recordings or folders that exist")
    if not found:
        raise UserError(f"no recording in {', '.join(map(str, paths))}: looked for {', '.join(SUFFIXES)}")
    return list(found)


def check_user(user: str) -> str:
    """The user id, if it is one. Raises ``UserError``."""
    if not re.fullmatch(USER_PATTERN[1:-1], user):
        raise UserError(f"--athlete {user!r} is no user id: use letters, digits and ._- (up to 64, no mark first)")
    return user


def check_zone(zone: str) -> str:
    """The name of the IANA zone, if it is one. Raises ``UserError``."""
    # ZoneInfo would take europe/oslo where files are found so, and workers elsewhere would not.
    if zone not in resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split():
        raise UserError(f"--zone {zone!r} is no IANA time zone: give the athlete's by its name, such as Europe/Oslo")
    return zone


async def replay(
    files: Sequence[Path],
    *,
    user: str,
    zone: str,
    producer: Outlet,
    pace: Pace,
    on_frame: Callable[[Path, float], None],
    on_file: Callable[[FileResult], None],
) -> list[FileResult]:
    """Send the recordings of all files, one after the other; a file that cannot be read does not stop the others.

    ``zone`` is where the athlete was if a file does not tell. ``on_frame`` gets the file and the share (0..1) of it
    that is sent. Sending the same file again sends the same messages with the same ids. Raises ``UserError`` when Kafka
    fails.
    """
    await producer.send(registration(user))
    await producer.flush()  # whoever reads a workout finds its user registered
    results: list[FileResult] = []
    for path in files:
        result = await _replay_file(path, user, zone, producer, pace, on_frame)
        results.append(result)
        on_file(result)
    await producer.flush()
    return results


def registration(user: str) -> hot.UserRegistered:
    """The registration of someone who only brings files. It dates before all workouts and says nothing but the name, so
    that a profile that the log has, or gets, stands; it is always the same message.
    """
    return hot.UserRegistered.of(
        user=user,
        time=TIME_MIN_US,
        zone="UTC",
        source=PRODUCER,
        producer=PRODUCER,
        data=hot.UserRegisteredData(name=user, sex="unspecified"),
    )


async def _replay_file(
    path: Path, user: str, zone: str, producer: Outlet, pace: Pace, on_frame: Callable[[Path, float], None]
) -> FileResult:
    try:
        recordings = await asyncio.to_thread(read_recording, path)
    except RecordingError as error:
        return FileResult(path, (), error.reason)
    except Exception as error:  # a fault of a parser: the other files can still be replayed
        return FileResult(path, (), f"cannot be read ({type(error).__name__}: {error})")
    workouts: list[Sent] = []
    warnings = tuple(warning for recording in recordings for warning in recording.warnings)
    for recording in recordings:
        try:
            workouts.append(await _send(recording, session_of(recording, user, zone), producer, pace, on_frame))
        except BadRecord as bad:
            return FileResult(path, tuple(workouts), f"says what cannot be ({bad.reason}: {bad.detail})", warnings)
    return FileResult(path, tuple(workouts), None, warnings)


async def _send(
    recording: Recording, session: Session, producer: Outlet, pace: Pace, on_frame: Callable[[Path, float], None]
) -> Sent:
    completion = completion_of(recording, session)
    key = session.user.encode()
    value = encode(completion)
    decoder_for(topics.load().topic_of_message(completion.type)).decode(key, value)
    pace.restart(recording.start_us)
    await producer.send(started(session, sport=recording.sport, time_us=recording.start_us))
    sent = frames = 0
    for frame in frames_of(recording.track, session, beats=Beats(recording.rr_ms, recording.rr_time_us)):
        await pace.until(frame.last_us)
        await producer.send_encoded("SensorFrame", key, frame.value)
        sent += frame.samples
        frames += 1
        on_frame(recording.path, sent / len(recording.track))
    await pace.until(recording.end_us)
    await producer.send_encoded(completion.type, key, value)
    summary = summarise(
        recording.track,
        sport=recording.sport,
        start_us=recording.start_us,
        end_us=recording.end_us,
        pauses=recording.pauses,
        athlete=Athlete(),
        stated=recording.stated,
        rpe=None,
    )
    return Sent(session.workout_id, recording.sport, recording.start_us, session.zone, summary.distance_m, sent, frames)


def session_of(recording: Recording, user: str, zone: str) -> Session:
    """The recording as a session of its device, in ``zone`` if it does not tell where it was."""
    return Session(
        user=user,
        workout_id=workout_id_of(user, recording.content_id, recording.leg),
        device_id=_device_id(recording.device, recording.format),
        zone=recording.zone or zone,
        source=f"file:{recording.format}",
        producer=PRODUCER,
    )


def completion_of(recording: Recording, session: Session) -> hot.WorkoutCompleted:
    """The completion of a recorded workout."""
    return completed(
        session,
        sport=recording.sport,
        sub_sport=_sub_sport(recording.sub_sport),
        start_us=recording.start_us,
        end_us=recording.end_us,
        track=recording.track,
        pauses=recording.pauses,
        stated=recording.stated,
    )


def _device_id(device: Device, file_format: str) -> str:
    parts = [part for part in (device.manufacturer, device.product, device.serial) if part]
    name = re.sub(r"[^A-Za-z0-9._]+", "-", "-".join(parts)).strip("-._")[:64]
    return name or f"unknown-{file_format}"


def _sub_sport(name: str | None) -> str | None:
    plain = re.sub(r"[^a-z0-9]+", "_", (name or "").lower()).strip("_")[:32]
    return plain if plain[:1].isalpha() else None
