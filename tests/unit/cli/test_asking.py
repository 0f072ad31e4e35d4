"""What a person types wrong is one line that says what to do."""

from datetime import date
from pathlib import Path

import pytest

from sinks.base import TopicPartition
from stridelog import cli, town_file
from stridelog.cli.agents import summed
from stridelog.cli.read import board_key
from stridelog.engine import Runner
from stridelog.errors import UserError
from stridelog.lag import Lag, declared, sinks_of
from stridelog.settings import Settings
from stridelog.topics import load
from stridelog.town_file import TownFile


@pytest.mark.parametrize(
    ("metric", "sport", "period", "key", "said"),
    [
        ("distanse", "all", "week", "", "distance"),
        ("distance", "chess", "week", "", "running"),
        ("distance", "all", "fortnight", "", "week"),
        ("distance", "all", "week", "2026-48", "2026-W48"),
        ("distance", "all", "day", "today", "2026-11-24"),
    ],
)
def test_a_board_that_does_not_exist_is_named_with_those_that_do(
    metric: str, sport: str, period: str, key: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        board_key(metric, sport, period, key)


def test_the_current_period_is_the_default() -> None:
    assert board_key("load", "all", "all") == ("load", "all", "all", "all")
    assert board_key("load", "cycling", "year").period_key.isdigit()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["board", "distanse"], "no metric 'distanse'"),
        (["dlq", "show", "here"], "TOPIC:PARTITION:OFFSET"),
        (["agents", "lag", "--agent", "nobody"], "no agent 'nobody'"),
        (["feed", "ada", "--before", "yesterday"], "yesterday"),
        (["thresholds", "ada", "--at", "lately"], "'lately' is no time"),
        (["wellness", "ada", "--until", "lately"], "--until 'lately'"),
        (["faust", "--role", "cook", "agents"], "no such role: cook"),
        (["run", "--activities", "nowhere"], "nowhere"),
        (["run", "--zone", "Mars/Olympus"], "--zone 'Mars/Olympus' is no IANA time zone"),
        (["replay", __file__, "--zone", "Mars/Olympus"], "--zone 'Mars/Olympus' is no IANA time zone"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(
    argv: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stridelog.queries.Queries.known", _anybody)
    monkeypatch.setattr("sys.argv", ["stridelog", *argv])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


async def _anybody(_: object, user: str) -> str:
    return user


@pytest.mark.parametrize("name", declared())
def test_an_agents_sinks_are_those_that_the_engine_writes(name: str, tmp_path: Path) -> None:
    async def ends(_: object) -> dict[TopicPartition, int]:
        return {}

    agent = declared()[name]
    runner = Runner(agent, load(), Settings(local=tmp_path), ends)
    assert sinks_of(agent) == list(runner.sinks)


def test_lags_of_partitions_add_up() -> None:
    rows = [Lag("feed", "social", "mongo", "t", number, mark, 10, None) for number, mark in enumerate((10, 4, 0))]
    rows.append(Lag("feed", "social", "mongo", "u", 0, 0, 0, 0))
    whole = summed(rows)
    assert [(row.topic, row.behind, row.committed) for row in whole] == [("t", 16, None), ("u", 0, 0)]


def test_a_town_is_remembered_and_goes_on_where_it_ended(tmp_path: Path) -> None:
    settings = Settings(local=tmp_path)
    assert town_file.load(settings) is None
    town = TownFile(athletes=20, seed=3, first_day=date(2026, 10, 1))
    assert town.next_day == date(2026, 10, 1)
    town_file.save(settings, town.model_copy(update={"sent_until": date(2026, 11, 23)}))
    found = town_file.load(settings)
    assert found is not None
    assert found.next_day == date(2026, 11, 24)
    assert found.days_until(date(2026, 11, 24)) == 54


def test_a_town_file_that_is_none_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings(local=tmp_path)
    town_file.path_of(settings).parent.mkdir(parents=True)
    town_file.path_of(settings).write_text("{}")
    with pytest.raises(UserError, match="remove it"):
        town_file.load(settings)
