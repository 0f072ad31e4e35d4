"""The main job on real parts: a town with every fault, recordings, a kill in the middle; then `verify` is ok."""

import json
import os
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from simulator.files import generate_files
from tests.platform import ROLES, Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

TOWN = ("simulate", "--athletes", "50", "--days", "28", "--seed", "7", "--sampling-s", "10", "--json")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A town, sent while a worker is killed and comes back."""
    name = f"town{uuid.uuid4().hex[:10]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        platform.start(*ROLES)
        platform.command(*TOWN)
        platform.kill("workouts")
        platform.kill("social")
        platform.start("workouts", "social")
        yield platform


def differing(verified: dict[str, Any]) -> set[str]:
    """The stores that do not hold what the log says."""
    return {name for name, s in verified["sinks"].items() if s["missing"] or s["extra"] or s["different"]}


def state_of(platform: Platform) -> dict[str, Any]:
    """Boards, a feed, a rank and achievements, as people read them."""
    board = json.loads(platform.command("board", "distance", "--period", "all", "--json").stdout)
    leader = board["rows"][0]["user"]
    feed = json.loads(platform.command("feed", leader, "--json").stdout)
    rank = json.loads(platform.command("rank", leader, "--json").stdout)
    earned = json.loads(platform.command("achievements", leader, "--json").stdout)
    return {"board": board, "feed": feed, "rank": rank, "achievements": earned}


def test_after_a_town_with_every_fault_and_a_kill_all_stores_hold_what_the_log_says(platform: Platform) -> None:
    verified = platform.verify()
    assert not differing(verified), verified["shown"]
    assert verified["ok"]
    assert verified["sinks"]["mongo.workouts"]["found"] > 100
    assert verified["sinks"]["mongo.feeds"]["found"] > 100
    assert verified["sinks"]["mongo.achievements"]["found"] > 100
    assert verified["sinks"]["topic.achievements"]["found"] > 100


def test_sending_the_same_town_and_files_again_changes_nothing_that_people_see(
    platform: Platform, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    generate_files(files, seed=3, n=4, before=date(2026, 11, 1))
    platform.command("replay", str(files), "--json")
    assert platform.verify()["ok"]
    before = state_of(platform)
    platform.command("replay", str(files), "--json")
    platform.command(*TOWN)
    verified = platform.verify()
    assert not differing(verified), verified["shown"]
    assert state_of(platform) == before


def test_a_model_is_trained_from_the_lake_and_the_agents_take_it_up(platform: Platform, tmp_path: Path) -> None:
    platform.command("models", "train", "recommend", "--json")
    generate_files(tmp_path, seed=4, n=2, before=date(2026, 11, 1))
    platform.wait_for_log("models", "model in use: recommend/1")
    platform.command("replay", str(tmp_path), "--athlete", "scored", "--json")
    verified = platform.verify()
    assert not differing(verified), verified["shown"]
    assert verified["sinks"]["clickhouse.recommendations"]["found"] > 0
    assert json.loads(platform.command("scores", "scored", "--json").stdout)["recommendations"]


@pytest.mark.skipif(
    not Path(os.environ.get("STRIDELOG_TEST_DATA", "../shared/data")).joinpath("activities").is_dir(),
    reason="no real recordings here: set STRIDELOG_TEST_DATA to a folder with activities/",
)
def test_every_real_recording_is_replayed_or_refused_by_name(platform: Platform) -> None:
    folder = Path(os.environ.get("STRIDELOG_TEST_DATA", "../shared/data")) / "activities"
    said = json.loads(platform.command("replay", str(folder), "--json").stdout)
    refused = {Path(file["path"]).name: file["reason"] for file in said["files"] if not file["ok"]}
    assert len(said["files"]) == 62
    assert set(refused) == {"tests_files_antfs-dump.63.fit", "tests_files_compressed-speed-distance.fit"}
    assert all(refused.values())
    verified = platform.verify()
    assert not differing(verified), verified["shown"]
