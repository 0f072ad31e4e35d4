"""``stridelog run`` on an instance of its own: all steps, twice."""

import json
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

import pytest

from stridelog import town_file
from tests.platform import Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

TOWN: Final = ("--athletes", "8", "--days", "10", "--seed", "3")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    name = f"run{uuid4().hex[:8]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        platform.command("run", *TOWN, "--once")
        yield platform


def what_is_stored(platform: Platform) -> list[Any]:
    commands = (
        ("board", "distance", "--period", "all", "--top", "100"),
        ("board", "workouts", "--period", "all", "--top", "100"),
        ("rank", "you", "load", "--period", "all", "--neighbours", "100"),
        ("feed", "you", "--limit", "100"),
    )
    return [json.loads(platform.command(*command, "--json").stdout) for command in commands]


def test_the_town_and_the_recordings_are_on_the_boards(platform: Platform) -> None:
    board, counts, rank, feed = what_is_stored(platform)
    assert board["users"] >= 5
    assert any(row["user"] == "you" for row in counts["rows"])
    assert rank["rank"] >= 1
    assert len(feed["items"]) == 6


def test_a_second_run_goes_on_with_the_same_town_and_changes_nothing(platform: Platform) -> None:
    before = what_is_stored(platform)
    said = platform.command("run", "--athletes", "99", "--seed", "4", "--once").stdout
    assert "going on with that one" in " ".join(said.split())
    assert "in the log already" in " ".join(said.split())
    assert what_is_stored(platform) == before


@pytest.mark.long
def test_a_town_whose_history_was_cut_off_is_sent_again_and_changes_nothing(platform: Platform) -> None:
    before = what_is_stored(platform)
    town = town_file.load(platform.settings)
    assert town is not None
    town_file.save(platform.settings, town.model_copy(update={"sent_until": None}))
    platform.command("run", *TOWN, "--once")
    assert what_is_stored(platform) == before


def test_a_live_run_ends_when_told_with_its_workers_stopped_and_leaves_a_picture(platform: Platform) -> None:
    picture = platform.folder / "run.svg"
    said = platform.command("run", *TOWN, "--exit-after", "8", "--save-picture", str(picture)).stdout
    assert "stopped: sensors, workouts, social, models, lake" in " ".join(said.split())
    svg = picture.read_text()
    assert svg.startswith("<svg")
    assert "@font-face" not in svg
    assert "leaderboards" in svg
