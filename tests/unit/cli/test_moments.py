"""Days and times of the command line, and who gives a command."""

import getpass
from datetime import UTC, date, datetime

import pytest

from stridelog.cli.asking import who_asks
from stridelog.errors import UserError
from stridelog.moments import local_day, moment_ms

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-11-24", 1_795_478_400_000),
        ("2026-11-24T01:00Z", 1_795_482_000_000),
        ("2026-11-24T01:00+01:00", 1_795_478_400_000),
        ("12h", 1_795_478_400_000),
    ],
)
def test_a_moment_is_a_day_a_time_or_so_long_ago(text: str, ms: int) -> None:
    assert moment_ms(text, NOW) == ms


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "999999d"])
def test_what_is_no_moment_is_a_mistake_that_says_how_to_write_one(text: str) -> None:
    with pytest.raises(UserError, match="2h for two hours ago"):
        moment_ms(text, NOW)


def test_a_day_is_one_that_something_can_be_known_of() -> None:
    assert local_day("2026-11-24", option="--until") == date(2026, 11, 24)
    with pytest.raises(UserError, match="--until 'yesterday' is no day"):
        local_day("yesterday", option="--until")
    for text in ("0001-01-01", "1969-12-31", "2100-01-01"):
        with pytest.raises(UserError, match=f"--on {text}: nothing is known"):
            local_day(text, option="--on")


def test_who_has_no_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1000870000")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert who_asks().startswith("uid ")
