"""``stridelog bench history`` works the agents' real join and scores; what it costs is not asserted."""

import json

from typer.testing import CliRunner

from stridelog.cli.bench import bench_app


def test_each_history_has_its_costs() -> None:
    result = CliRunner().invoke(bench_app, ["history", "--before", "2", "--before", "5", "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert [row["workouts_before"] for row in said["cpu_ms_per_workout"]] == [2, 5]
    assert all(row["workouts"] > 0 and row["leaderboards"] > 0 for row in said["cpu_ms_per_workout"])
    assert said["slowest_to_fastest"] >= 1
