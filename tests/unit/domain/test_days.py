"""Local days and calendar periods."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from domain.days import PERIODS, day_bounds_us, days_of, local_day, period_key, period_start


def _us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def test_the_day_is_that_of_the_place() -> None:
    late = _us("2026-11-24 23:30:00")
    assert local_day(late, "UTC") == date(2026, 11, 24)
    assert local_day(late, "+02:00") == date(2026, 11, 25)
    assert local_day(late, "Europe/Oslo") == date(2026, 11, 25)
    assert local_day(late, "America/New_York") == date(2026, 11, 24)
    assert local_day(_us("2026-11-24 03:00:00"), "-03:30") == date(2026, 11, 23)


def test_the_day_follows_daylight_saving() -> None:
    assert local_day(_us("2026-07-01 22:30:00"), "Europe/Oslo") == date(2026, 7, 2)  # +02:00
    assert local_day(_us("2026-12-01 22:30:00"), "Europe/Oslo") == date(2026, 12, 1)  # +01:00


def test_microseconds_before_midnight_are_still_the_day_before() -> None:
    assert local_day(_us("2026-11-25 00:00:00") - 1, "UTC") == date(2026, 11, 24)
    assert local_day(-1, "UTC") == date(1969, 12, 31)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "+25:00", "+01:75", "../etc/passwd", "+1"])
def test_an_unknown_zone_is_refused_by_name(zone: str) -> None:
    with pytest.raises(ValueError, match="zone"):
        local_day(0, zone)


def test_weeks_are_iso_weeks() -> None:
    assert period_key(date(2026, 11, 24), "week") == "2026-W48"
    assert period_key(date(2027, 1, 3), "week") == "2026-W53"  # the Sunday of the last week of 2026
    assert period_key(date(2024, 12, 30), "week") == "2025-W01"
    assert period_start(date(2027, 1, 3), "week") == date(2026, 12, 28)


def test_keys_and_first_days_of_the_other_periods() -> None:
    day = date(2026, 11, 24)
    assert [period_key(day, period) for period in PERIODS] == ["2026-11-24", "2026-W48", "2026-11", "2026", "all"]
    assert [period_start(day, period) for period in PERIODS] == [
        day,
        date(2026, 11, 23),
        date(2026, 11, 1),
        date(2026, 1, 1),
        date(1970, 1, 1),
    ]


def test_a_day_lasts_from_midnight_to_midnight_at_the_place() -> None:
    begin, end = day_bounds_us(date(2026, 11, 18), "Europe/Oslo")
    assert (local_day(begin, "Europe/Oslo"), local_day(end - 1, "Europe/Oslo")) == (date(2026, 11, 18),) * 2
    assert local_day(begin - 1, "Europe/Oslo") == date(2026, 11, 17)
    bounds = [day_bounds_us(day, "Europe/Oslo") for day in (date(2026, 3, 29), date(2026, 10, 25))]
    assert [(end - begin) / 3.6e9 for begin, end in bounds] == [23.0, 25.0]


def test_times_are_parted_at_midnight_of_the_place() -> None:
    begin, end = day_bounds_us(date(2026, 11, 18), "+05:53")
    times = np.array([begin - 1_000_000, begin, end - 1, end, end + 86_400_000_000 * 2])
    parts = days_of(times, "+05:53")
    assert [(day.day, some.tolist()) for day, some in parts] == [
        (17, times[:1].tolist()),
        (18, times[1:3].tolist()),
        (19, times[3:4].tolist()),
        (21, times[4:].tolist()),
    ]
    assert [day.day for day, _ in days_of(times[1:2], "+05:53")] == [18]
    assert days_of(times[:0], "UTC") == []
