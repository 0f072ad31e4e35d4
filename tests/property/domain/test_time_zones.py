"""Days, weeks, streaks and training days follow an athlete through travel and daylight saving."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from domain.achievement_facts import Workout
from domain.achievement_rules import rules_from
from domain.achievements import earned
from domain.boards import Effort
from domain.days import local_day, period_key, period_start
from domain.summary import Stated
from domain.training_days import training_days
from domain.workouts import Completion
from stridelog.projections.workouts import day_of

S = 1_000_000
HOUR_US = 3_600 * S
zones = st.sampled_from(sorted(available_timezones() - {"localtime"}))
# Clocks go forward or back, on either half of the Earth, by half an hour or at midnight; and a country skips a day.
NAMED = ("Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "America/Asuncion", "Asia/Tehran", "Pacific/Apia")
times_us = st.integers(
    int(datetime(2000, 2, 1, tzinfo=UTC).timestamp()), int(datetime(2037, 12, 1, tzinfo=UTC).timestamp())
).map(lambda seconds: seconds * S)
RULES = rules_from(
    {
        "achievements": {
            "days": {
                "title": "Days",
                "text": "A streak of local days.",
                "version": 1,
                "kind": "streak",
                "unit": "day",
                "levels": [3, 10],
            }
        }
    }
)


def utc_us(day: date, zone: str, hour: int = 0, minute: int = 0) -> int:
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
    return int(local.timestamp()) * S


@given(times_us, zones | st.sampled_from(NAMED))
@settings(max_examples=300)
def test_a_day_is_what_the_clock_on_the_wall_says(time_us: int, zone: str) -> None:
    offset = datetime.fromtimestamp(time_us // S, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    shifted_s = time_us // S + round(offset.total_seconds())
    assert local_day(time_us, zone) == date(1970, 1, 1) + timedelta(days=shifted_s // 86_400)


@given(times_us, zones | st.sampled_from(NAMED), st.integers(1, 40))
@settings(max_examples=200)
@example(utc_us(date(2026, 3, 28), "Europe/Oslo"), "Europe/Oslo", 3)  # the day that has 23 hours
@example(utc_us(date(2011, 12, 29), "Pacific/Apia"), "Pacific/Apia", 3)  # 2011-12-30 was not
def test_at_one_place_days_follow_each_other_however_long_they_are(time_us: int, zone: str, days: int) -> None:
    seen = [local_day(time_us + hour * HOUR_US, zone) for hour in range(24 * days + 1)]
    steps = {(after - before).days for before, after in zip(seen, seen[3:], strict=False)}
    assert steps <= {0, 1, 2}
    assert 2 not in steps or zone in {"Pacific/Apia", "Pacific/Fakaofo"}, "nobody else skips a day"


@given(
    st.dates(date(2001, 1, 1), date(2037, 1, 1)),
    st.lists(
        st.tuples(zones | st.sampled_from(NAMED), st.integers(0, 23), st.integers(0, 59)), min_size=10, max_size=10
    ),
    st.randoms(),
)
@settings(max_examples=100, deadline=None)
def test_who_trains_on_every_local_day_keeps_the_streak_wherever_and_whenever(
    first: date, stays: list[tuple[str, int, int]], random: Any
) -> None:
    facts = []
    for number, (zone, hour, minute) in enumerate(stays):
        day = first + timedelta(days=number)
        start_us = utc_us(day, zone, hour, minute)
        completion = Completion("e", 0, zone, "running", None, start_us, start_us + HOUR_US, (), Stated())
        # An hour that a clock leaves out at midnight, and a day that a country does, are on the day after.
        assume(day_of(completion) == day)
        facts.append(Workout(Effort(f"w{number}", "running", start_us + HOUR_US, day, 5_000.0, 3_600.0, 10.0, 50.0)))
    shuffled = list(facts)
    random.shuffle(shuffled)
    assert {award.level for award in earned(RULES, shuffled)} == {"3", "10"}
    one_less = [fact for fact in facts if fact.id != "w5"]
    assert len(earned(RULES, one_less)) == 1, "five days, a day without, four days"


@given(st.lists(st.tuples(times_us, zones, st.integers(1, 300)), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_training_days_hold_every_load_on_the_day_of_its_place(workouts: list[tuple[int, str, int]]) -> None:
    first_us = min(time_us for time_us, _, _ in workouts)
    near = [(first_us + (time_us - first_us) % (60 * 24 * HOUR_US), zone, load) for time_us, zone, load in workouts]
    efforts = [
        Effort(f"w{i}", "running", time_us, local_day(time_us, zone), 1_000.0, 600.0, 0.0, float(load))
        for i, (time_us, zone, load) in enumerate(near)
    ]
    rows = training_days(efforts)
    expected: dict[date, float] = {}
    for time_us, zone, load in near:
        day = datetime.fromtimestamp(time_us // S, ZoneInfo(zone)).date()
        expected[day] = expected.get(day, 0.0) + load
    days = [date(1970, 1, 1) + timedelta(days=int(day)) for day in rows.day]
    assert dict(zip(days, rows.load.tolist(), strict=True)) == {day: expected.get(day, 0.0) for day in days}
    assert (days[0], days[-1]) == (min(expected), max(expected))
    assert np.all(np.diff(rows.day) == 1), "a day of rest is a day, also where it had 23 hours"


@given(times_us, zones)
def test_a_week_and_a_month_are_those_of_the_local_day(time_us: int, zone: str) -> None:
    local = datetime.fromtimestamp(time_us // S, ZoneInfo(zone))
    day = local_day(time_us, zone)
    assert period_key(day, "month") == local.strftime("%Y-%m")
    assert period_key(day, "week") == local.strftime("%G-W%V")
    assert period_start(day, "week").weekday() == 0
