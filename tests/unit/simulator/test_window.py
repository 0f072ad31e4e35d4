"""Which days a town lives through."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from simulator.faults import Faults
from simulator.town import TownConfig
from stridelog.cli.simulate import town_config
from stridelog.errors import UserError

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)


def config(**changes: Any) -> TownConfig:
    options: dict[str, Any] = {"athletes": 5, "days": 90, "seed": 1, "end": "", "live": False, "sampling_s": 0}
    return town_config(**{**options, "faults": Faults(), "now": NOW, **changes})


def us(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6)


def test_history_ends_now() -> None:
    assert config().until_us == us(NOW)
    assert config().first_day == date(2026, 8, 26)


def test_history_up_to_an_earlier_day_includes_that_day() -> None:
    assert config(end="2026-11-22").until_us == us(datetime(2026, 11, 23, tzinfo=UTC))


def test_a_live_town_begins_where_the_history_with_the_same_end_stops() -> None:
    history, live = config(end="2026-11-22"), config(end="2026-11-22", live=True)
    assert live.from_us == history.until_us
    assert live.until_us is None
    assert live.first_day == history.first_day


@pytest.mark.parametrize(
    "changes", [{"end": "tomorrow"}, {"end": "2000-01-15"}, {"end": "2199-01-01"}, {"days": 3_000_000}]
)
def test_days_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="--end"):
        config(**changes)
