"""Segments on the real stack: a file is drawn, recordings are replayed, in either order; the board says who passed."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.days import period_key
from domain.track import track_from_columns
from recordings.write import Written, write_recording
from schemas import hot
from schemas.decode import encode
from tests.platform import Platform
from tests.roads import START_US, ran

pytestmark = pytest.mark.stack

ROLES = ("sensors", "workouts", "social", "models", "lake")
HILL = ((0.0, 0.0), (1000.0, 0.0))
LANE = ((0.0, 500.0), (1000.0, 500.0))
BOTH = ((-50.0, 0.0), (1050.0, 0.0), (1050.0, 1000.0), (-50.0, 1000.0), (-50.0, 500.0), (1050.0, 500.0))


def recording(folder: Path, name: str, *, speed_m_s: float, day: int) -> Path:
    """The run over the hill and along the lane."""
    time_us, latitude, longitude = ran(*BOTH, speed_m_s=speed_m_s)
    track = track_from_columns(time_us + day * 86_400_000_000, latitude_deg=latitude, longitude_deg=longitude)
    path = folder / f"{name}.gpx"
    write_recording(path, Written(track, "running"))
    return path


def line(folder: Path, name: str, corners: Any) -> Path:
    """A GPX file with one line."""
    _, latitude, longitude = ran(*corners)
    points = "".join(f'<rtept lat="{lat}" lon="{lon}"/>' for lat, lon in zip(latitude, longitude, strict=True))
    path = folder / f"{name}.gpx"
    path.write_text(
        '<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="club">'
        f"<rte><name>{name}</name>{points}</rte></gpx>"
    )
    return path


def said(platform: Platform, *arguments: str) -> Any:
    return json.loads(platform.command("segments", *arguments, "--json").stdout)


def board(platform: Platform, segment_id: str, *how: str) -> list[tuple[int, str, int, int]]:
    """Rank, athlete, seconds and efforts."""
    rows = said(platform, "show", segment_id, *how)["rows"]
    return [(row["rank"], row["user"], row["elapsed_s"], row["efforts"]) for row in rows]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    name = f"seg{uuid.uuid4().hex[:8]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        platform.start(*ROLES)
        yield platform


def test_workouts_before_and_after_a_segment_are_on_its_board_and_twice_is_once(
    platform: Platform, files: Path
) -> None:
    ada, ben = recording(files, "ada", speed_m_s=5.0, day=0), recording(files, "ben", speed_m_s=4.0, day=1)
    hill, lane = line(files, "Hill", HILL), line(files, "Lane", LANE)
    lane_id = said(platform, "add", str(lane), "--family", "running")["segment_id"]
    platform.command("replay", str(ada), "--athlete", "ada")
    assert platform.verify()["ok"], platform.verify()["shown"]
    hill_id = said(platform, "add", str(hill), "--family", "running")["segment_id"]
    assert platform.verify()["ok"]
    assert board(platform, lane_id) == board(platform, hill_id) == [(1, "ada", 200, 1)]
    platform.command("replay", str(ben), "--athlete", "ben")
    assert platform.verify()["ok"]
    expected = [(1, "ada", 200, 1), (2, "ben", 250, 1)]
    assert board(platform, lane_id) == board(platform, hill_id) == expected

    assert said(platform, "add", str(hill), "--family", "running")["segment_id"] == hill_id
    platform.command("replay", str(ada), "--athlete", "ada")
    verified = platform.verify()
    assert verified["ok"], verified["shown"]
    assert verified["sinks"]["copies"]["found"] == 3 * platform.topics.named("segments").partitions
    assert board(platform, hill_id) == expected
    assert [(row["name"], row["athletes"], row["efforts"]) for row in said(platform, "list")] == [
        ("Hill", 2, 2),
        ("Lane", 2, 2),
    ]


def test_a_removed_segment_has_no_board_and_one_that_is_drawn_again_has_it_back(
    platform: Platform, files: Path
) -> None:
    stretch = line(files, "Stretch", ((100.0, 0.0), (900.0, 0.0)))
    segment_id = said(platform, "add", str(stretch), "--family", "running")["segment_id"]
    assert platform.verify()["ok"]
    before = board(platform, segment_id)
    assert [user for _, user, *_ in before] == ["ada", "ben"]
    platform.command("segments", "remove", segment_id)
    assert platform.verify()["ok"]
    gone = platform.command("segments", "show", segment_id, check=False)
    assert gone.returncode == 2
    assert f"no segment '{segment_id}'" in gone.stderr
    platform.command("segments", "add", str(stretch), "--family", "running")
    assert platform.verify()["ok"]
    assert board(platform, segment_id) == before


@pytest.mark.long
def test_facts_and_boards_that_are_built_anew_know_what_there_was(platform: Platform, files: Path) -> None:
    for projection in ("segments.facts", "segment_boards.clickhouse"):
        platform.command("sink", "rebuild", projection)
    assert platform.verify()["ok"]
    finish = line(files, "Finish", ((200.0, 500.0), (1000.0, 500.0)))
    segment_id = said(platform, "add", str(finish), "--family", "running")["segment_id"]
    (lane,) = (row for row in said(platform, "list") if row["name"] == "Lane")
    platform.command("segments", "remove", lane["segment_id"])
    verified = platform.verify()
    assert verified["ok"], verified["shown"]
    assert [user for _, user, *_ in board(platform, segment_id)] == ["ada", "ben"], "by the cells that are known again"
    assert verified["sinks"]["clickhouse.segment_efforts"]["found"] == 2 * len(said(platform, "list"))


def test_efforts_in_a_privacy_zone_are_off_the_board_until_it_is_lifted(platform: Platform, files: Path) -> None:
    gate = line(files, "Gate", ((50.0, 0.0), (950.0, 0.0)))
    segment_id = said(platform, "add", str(gate), "--family", "running")["segment_id"]
    assert platform.verify()["ok"]
    before = board(platform, segment_id)
    assert [user for _, user, *_ in before] == ["ada", "ben"]
    zone_id = str(uuid.uuid4())
    for hours, data in (
        (1, hot.PrivacyZoneSetData(zone_id=zone_id, latitude_deg=60.0, longitude_deg=10.0, radius_m=400)),
        (2, hot.PrivacyZoneRemovedData(zone_id=zone_id)),
    ):
        kind = hot.PrivacyZoneSet if isinstance(data, hot.PrivacyZoneSetData) else hot.PrivacyZoneRemoved
        head: dict[str, Any] = {"zone": "UTC", "source": "test", "producer": "test"}
        message = kind.of(user="ada", time=START_US + hours * 3_600_000_000, data=data, **head)  # type: ignore[arg-type]
        platform.send(message.type, [(b"ada", encode(message))])
        verified = platform.verify()
        assert verified["ok"], verified["shown"]
        (row,) = (row for row in said(platform, "list") if row["segment_id"] == segment_id)
        if kind is hot.PrivacyZoneSet:
            assert [user for _, user, *_ in board(platform, segment_id)] == ["ben"]
            assert (row["athletes"], row["efforts"]) == (1, 1)
    assert board(platform, segment_id) == before


def test_others_see_the_efforts_whose_map_they_may_see(platform: Platform, files: Path) -> None:
    climb = line(files, "Climb", ((150.0, 0.0), (850.0, 0.0)))
    segment_id = said(platform, "add", str(climb), "--family", "running")["segment_id"]
    platform.command("replay", str(recording(files, "ben-again", speed_m_s=3.5, day=2)), "--athlete", "ben")
    assert platform.verify()["ok"]
    slower = [(1, "ada", 140, 1), (2, "ben", 175, 2)]
    assert board(platform, segment_id) == slower
    days = [datetime.fromtimestamp(START_US / 1e6 + 86_400 * day, UTC).date() for day in range(3)]
    for day, expected in zip(days, ([(1, "ada", 140, 1)], [(1, "ben", 175, 1)], [(1, "ben", 200, 1)]), strict=True):
        assert board(platform, segment_id, "--period", "day", "--key", period_key(day, "day")) == expected
    week = [day for day in days if period_key(day, "week") == period_key(days[0], "week")]
    in_week = board(platform, segment_id, "--period", "week", "--key", period_key(days[0], "week"))
    assert sum(efforts for *_, efforts in in_week) == len(week)
    assert board(platform, segment_id, "--only", "ben", "--period", "year", "--key", str(days[0].year)) == [
        (1, "ben", 175, 2)
    ]

    assert board(platform, segment_id, "--as", "ben") == [(1, "ben", 175, 2)], "nobody has chosen: the map is theirs"
    head: dict[str, Any] = {"zone": "UTC", "source": "test", "producer": "test"}
    choice = hot.VisibilityChangedData(workout="everyone", map="everyone", heart_rate="only_me")
    message = hot.VisibilityChanged.of(user="ada", time=START_US, data=choice, **head)
    platform.send(message.type, [(b"ada", encode(message))])
    (workout,) = {row["workout_id"] for row in said(platform, "show", segment_id)["rows"] if row["user"] == "ben"}
    only_slower = hot.WorkoutEditedData(
        workout_id=workout, visibility=hot.WorkoutVisibility(map="everyone", workout="everyone")
    )
    edited = hot.WorkoutEdited.of(user="ben", time=START_US + 5 * 86_400_000_000, data=only_slower, **head)
    platform.send(edited.type, [(b"ben", encode(edited))])
    verified = platform.verify()
    assert verified["ok"], verified["shown"]
    assert board(platform, segment_id, "--as", "ada") == [(1, "ada", 140, 1), (2, "ben", 175, 1)]
    shown = platform.command("segments", "show", segment_id, "--as", "ben").stdout
    assert "as ben sees it" in shown
    assert board(platform, segment_id, "--as", "ben") == slower
    for told in ("ada", "ben"):
        names = hot.BlockedData(blocker="ada", blocked="ben")
        blocked = hot.Blocked.of(user=told, time=START_US, data=names, **head)
        platform.send(blocked.type, [(told.encode(), encode(blocked))])
    assert platform.verify()["ok"]
    assert board(platform, segment_id, "--as", "ben") == [(1, "ben", 175, 2)]
    nobody = platform.command("segments", "show", segment_id, "--as", "who", check=False)
    assert (nobody.returncode, "no user 'who'" in nobody.stderr) == (2, True)
