"""boards.yaml is read whole, and what is wrong with one is said in a line."""

from pathlib import Path

import pytest

from domain.boards import METRICS
from stridelog import boards_file
from stridelog.errors import UserError


def test_the_projects_own_boards_rank_every_total_and_some_best_efforts() -> None:
    rules = boards_file.load()
    assert {rule.total for rule in rules.rules} >= set(METRICS)
    assert {"5 km", "20 min"} <= rules.efforts
    assert {rule.name for rule in rules.of("running", "year")} > {rule.name for rule in rules.of("all", "year")}
    assert (boards_file.unit_of("fastest_5_km"), boards_file.unit_of("strongest_5_min")) == ("s", "W")
    assert boards_file.unit_of("no longer declared") == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "boards: {a: {title: Title, text: A long text, total: load, sprots: [all]}}",
            "there is no key 'sprots'",
        ),
        ("boards:\n  a: {}\n  a: {}\n", "line 3 has the key 'a' a second time"),
        ("boards: [", "is not YAML"),
        ("[]", "one key, 'boards'"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "boards.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as refused:
        boards_file.load(path)
    assert "boards.yaml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*boards\.yaml: No such file"):
        boards_file.load(tmp_path / "boards.yaml")
