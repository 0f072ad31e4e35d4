"""Streaks that are kept up day by day are those of all days, in whatever order and parts the days come."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.streaks import Runs, longest_run

DAYS = st.tuples(st.integers(0, 40).map(lambda n: date(2026, 2, 1) + timedelta(days=n)), st.integers(1, 1_000))


@given(st.lists(DAYS, max_size=60))
def test_runs_that_are_kept_up_are_those_of_all_days(workouts: list[tuple[date, int]]) -> None:
    runs = Runs()
    for number, (day, end_us) in enumerate(workouts, start=1):
        runs.add(day, end_us)
        assert runs.longest == longest_run(workouts[:number])


@given(st.lists(DAYS, max_size=60))
def test_runs_of_months_join_to_those_of_the_year(workouts: list[tuple[date, int]]) -> None:
    months: dict[int, Runs] = {}
    for day, end_us in workouts:
        months.setdefault(day.month, Runs()).add(day, end_us)
    year = Runs()
    for month in sorted(months, reverse=True):
        year.update(months[month])
    assert year.longest == longest_run(workouts)
