"""Files are replayed as their devices would have sent them; a broken one does not stop the others."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from domain.track import track_from_columns
from recordings.write import Written, write_recording
from schemas import hot
from schemas.decode import decoder_for, encode
from schemas.envelope import Message
from stridelog import topics
from stridelog.errors import UserError
from stridelog.pace import AsFastAsPossible, Pace, Scaled, UpToNow, pace_of
from stridelog.producer import Producer
from stridelog.replay import FileResult, check_user, check_zone, find_files, replay
from stridelog.settings import Settings

START_US = 1_763_900_000_000_000


@dataclass
class Kept:
    """An outlet that keeps what it is given."""

    records: list[tuple[str, bytes, bytes]] = field(default_factory=list)

    async def send(self, message: hot.Message | Message) -> None:
        await self.send_encoded(message.type, message.user.encode(), encode(message))

    async def send_encoded(self, message_type: str, key: bytes, value: bytes) -> None:
        self.records.append((message_type, key, value))

    async def flush(self) -> None:
        """Nothing waits."""

    def messages(self) -> list[hot.Message]:
        known = topics.load(prefix="")
        return [decoder_for(known.topic_of_message(kind)).decode(key, value) for kind, key, value in self.records]


@dataclass
class Wall:
    """A clock that only sleeping moves."""

    seconds: float = 1000.0

    def now_s(self) -> float:
        return self.seconds

    def now_us(self) -> int:
        return round(self.seconds * 1e6)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def write_run(path: Path, minutes: int = 5, *, indoors: bool = False, offset_s: int = 0) -> Path:
    seconds = np.arange(minutes * 60 + 1, dtype=np.float64)
    track = track_from_columns(
        START_US + (seconds * 1e6).astype(np.int64),
        heart_rate_bpm=np.full(len(seconds), 140.0),
        latitude_deg=np.add(60.0, seconds * 2.7e-5, dtype=np.float64),
        longitude_deg=np.full(len(seconds), 5.0),
        distance_m=np.multiply(seconds, 3.0, dtype=np.float64),
        speed_m_s=np.full(len(seconds), 3.0),
    )
    if indoors:
        nowhere = np.full(len(seconds), np.nan)
        track = replace(track, latitude_deg=nowhere, longitude_deg=nowhere)
    write_recording(path, Written(track, "running", offset_s=offset_s))
    return path


def run(
    files: list[Path], pace: Pace | None = None, user: str = "you", zone: str = "UTC"
) -> tuple[Kept, list[FileResult]]:
    kept = Kept()
    results = asyncio.run(
        replay(
            files,
            user=user,
            zone=zone,
            producer=kept,
            pace=pace or AsFastAsPossible(),
            on_frame=lambda path, share: None,
            on_file=lambda result: None,
        )
    )
    return kept, results


@pytest.mark.parametrize("suffix", [".fit", ".tcx", ".gpx"])
def test_a_file_becomes_a_start_its_frames_and_a_completion(tmp_path: Path, suffix: str) -> None:
    kept, (result,) = run([write_run(tmp_path / f"run{suffix}")])
    messages = kept.messages()
    kinds = [message.type for message in messages]
    assert kinds == ["UserRegistered", "WorkoutStarted", *["SensorFrame"] * 6, "WorkoutCompleted"]
    completion = messages[-1]
    assert isinstance(completion, hot.WorkoutCompleted)
    assert completion.data.samples == 301
    assert completion.data.end - completion.data.start == 300_000_000
    assert result.ok
    assert result.workouts[0].workout_id == completion.data.workout_id
    assert result.workouts[0].distance_m == pytest.approx(900, rel=0.01)


def test_the_same_file_sends_the_same_bytes_again(tmp_path: Path) -> None:
    file = write_run(tmp_path / "run.fit")
    copy = tmp_path / "copy of run.fit"
    copy.write_bytes(file.read_bytes())
    once, _ = run([file])
    again, _ = run([copy])
    assert once.records == again.records
    other, _ = run([file], user="ada")
    assert {value for *_, value in other.records}.isdisjoint(value for *_, value in once.records)


def test_a_broken_file_is_named_with_a_reason_and_the_others_go_on(tmp_path: Path) -> None:
    broken = tmp_path / "a.fit"
    broken.write_bytes(b"this is no recording")
    kept, results = run([broken, write_run(tmp_path / "b.gpx")])
    assert [result.ok for result in results] == [False, True]
    assert results[0].path == broken
    assert results[0].reason
    assert [kind for kind, *_ in kept.records].count("WorkoutCompleted") == 1


def test_at_ten_times_the_speed_five_minutes_take_half_a_minute(tmp_path: Path) -> None:
    wall = Wall()
    run([write_run(tmp_path / "run.fit")], Scaled(10.0, wall.now_s, wall.sleep))
    assert wall.seconds - 1000.0 == pytest.approx(30.0, abs=0.2)


def test_accelerated_time_never_overtakes_the_present() -> None:
    wall = Wall()
    pace = UpToNow(Scaled(100.0, wall.now_s, wall.sleep), wall.now_us)

    async def wait() -> list[float]:
        pace.restart(wall.now_us() - 200_000_000)  # 200 s ago
        arrivals = []
        for later_s in (0, 100, 200, 203):
            await pace.until(800_000_000 + later_s * 1_000_000)
            arrivals.append(wall.seconds - 1000.0)
        return arrivals

    # The past passes 100 times as fast until, 2 s later, the present is reached: from there on a second is a second.
    assert asyncio.run(wait()) == pytest.approx([0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("speed", ["fast", "0", "-3", "inf", "nan"])
def test_a_speed_that_is_none_is_refused(speed: str) -> None:
    with pytest.raises(UserError, match="no speed"):
        pace_of(speed, lambda: 0.0)


def test_folders_are_searched_for_recordings_and_files_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.FIT", "deep/b.gpx.gz", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert {path.name for path in find_files([tmp_path])} == {"a.FIT", "b.gpx.gz"}
    assert find_files([tmp_path / "notes.txt"]) == [tmp_path / "notes.txt"]


def test_a_missing_path_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere.*no such file"):
        find_files([tmp_path / "nowhere"])
    with pytest.raises(UserError, match="no recording in"):
        find_files([tmp_path])


def zones_sent(file: Path, zone: str = "UTC") -> set[str]:
    kept, (result,) = run([file], zone=zone)
    sent = {message.zone for message in kept.messages() if not isinstance(message, hot.UserRegistered)}
    assert {workout.zone for workout in result.workouts} == sent
    return sent


@pytest.mark.parametrize("suffix", [".fit", ".tcx", ".gpx"])
def test_every_message_of_a_workout_has_the_zone_at_its_place_whatever_the_athletes(
    tmp_path: Path, suffix: str
) -> None:
    assert zones_sent(write_run(tmp_path / f"run{suffix}"), "Asia/Tokyo") == {"Europe/Oslo"}


@pytest.mark.parametrize("suffix", [".fit", ".tcx"])
def test_indoors_it_is_the_athletes_zone_else_utc(tmp_path: Path, suffix: str) -> None:
    file = write_run(tmp_path / f"run{suffix}", indoors=True)
    assert zones_sent(file, "Asia/Tokyo") == {"Asia/Tokyo"}
    assert zones_sent(file) == {"UTC"}


def test_indoors_the_files_own_offset_comes_before_the_athletes_zone(tmp_path: Path) -> None:
    assert zones_sent(write_run(tmp_path / "run.fit", indoors=True, offset_s=-12_600), "Asia/Tokyo") == {"-03:30"}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo", "America/Argentina/Salta", "Etc/GMT-12"])
def test_a_zone_is_the_name_of_one(zone: str) -> None:
    assert check_zone(zone) == zone


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "europe/oslo", "Europe", "+02:00", "localtime", "../etc/passwd"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(UserError, match="is no IANA time zone"):
        check_zone(zone)


@pytest.mark.parametrize("user", ["", "a b", "-x", "ä", "x" * 65, "you\n"])
def test_an_athlete_that_is_no_user_id_is_refused(user: str) -> None:
    with pytest.raises(UserError, match="user id"):
        check_user(user)


def test_kafka_that_does_not_answer_is_said_in_one_line() -> None:
    async def connect() -> None:
        await Producer(Settings(kafka="127.0.0.1:1"), topics.load(prefix="")).open(["SensorFrame"])

    with pytest.raises(UserError, match=r"Kafka does not answer at 127\.0\.0\.1:1") as said:
        asyncio.run(connect())
    assert "\n" not in str(said.value)
