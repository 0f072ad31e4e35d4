"""``stridelog models`` on a real lake and a real registry."""

import json
from pathlib import Path
from typing import Protocol

import pytest
from typer.testing import CliRunner, Result

from models.lake import Injuries
from stridelog.cli import models as command
from stridelog.errors import UserError
from stridelog.settings import Settings
from tests.unit.models.conftest import Town, WriteFeatures, WriteInjuries


class Run(Protocol):
    """A run of ``stridelog models`` with these arguments."""

    def __call__(self, *arguments: str) -> Result: ...


@pytest.fixture
def run(local_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with the test's settings: the exit code and what was printed."""
    monkeypatch.setattr(command, "settings", lambda: local_settings)

    def go(*arguments: str) -> Result:
        result = CliRunner().invoke(command.models_app, list(arguments), catch_exceptions=True)
        if isinstance(result.exception, UserError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return go


def test_train_all_then_list(
    run: Run, town: Town, write_features: WriteFeatures, write_injuries: WriteInjuries
) -> None:
    write_features(town.rows.take(town.rows.user < "athlete-0120"))
    write_injuries(town.injuries)
    report = json.loads(run("train", "--json").stdout)
    assert report["seed"] == 1
    assert report["refused"] == {}
    assert [(each["version"], each["alias"]) for each in report["models"]] == [
        ("injury/1", "champion"),
        ("recommend/1", "champion"),
    ]
    assert report["models"][0]["quality"]["auc"]["low"] < report["models"][0]["quality"]["auc"]["value"]
    listed = json.loads(run("list", "--json").stdout)
    assert [(each["version"], each["aliases"]) for each in listed] == [
        ("injury/1", ["champion"]),
        ("recommend/1", ["champion"]),
    ]
    table = run("list").stdout
    assert "injury/1" in table
    assert "champion" in table


def test_with_no_injuries_recommendations_are_trained_all_the_same_and_the_reason_is_told(
    run: Run, town: Town, write_features: WriteFeatures
) -> None:
    write_features(town.rows.take(town.rows.user < "athlete-0040"))
    report = run("train").stdout
    assert "recommend/1: champion" in report
    assert "too few rows with an injury within 14 days: 0 of" in report.replace("\n", " ")


def test_what_cannot_be_trained_is_a_user_error_that_counts(
    run: Run, town: Town, write_features: WriteFeatures, write_injuries: WriteInjuries
) -> None:
    with pytest.raises(UserError, match="no features in"):
        run("train")
    write_features(town.rows.take(town.rows.user < "athlete-0003"))
    write_injuries(Injuries({}))
    with pytest.raises(UserError, match=r"too few rows with an injury within 14 days: 0 of \d+"):
        run("train", "injury")
    with pytest.raises(UserError, match=r"injury: too few rows.*recommend: too few workouts"):
        run("train")


def test_an_empty_registry_says_what_to_do(run: Run) -> None:
    assert "stridelog models train" in run("list").stdout
    assert json.loads(run("list", "--json").stdout) == []


def test_another_lake_can_be_named(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no features in .*elsewhere"):
        run("train", "--lake", str(tmp_path / "elsewhere"))
