"""How far workouts get, worked by hand."""

from datetime import date

import pytest

from domain.boards import Effort, Metric
from domain.targets import Measure, Progress, Reached, Window, progress

OCTOBER = Window(date(2026, 10, 1), date(2026, 10, 31))


def run(day: int, km: float, *, sport: str = "running", month: int = 10, five_km_s: float | None = None) -> Effort:
    bests = (("5 km", five_km_s),) if five_km_s is not None else ()
    return Effort(
        f"w{month}-{day}", sport, (month * 100 + day) * 1_000, date(2026, month, day), km * 1_000, 1, 0, 1, bests
    )


def kilometres(amount: float, *sports: str) -> Measure:
    return Measure("distance", None, sports, amount * 1_000)


def test_a_total_is_reached_with_the_workout_that_comes_up_to_it() -> None:
    found = progress(kilometres(10, "running"), OCTOBER, [run(9, 3), run(2, 4), run(5, 6)])
    assert found == Progress(13_000.0, 1_009_000, 3, Reached("w10-5", 1_005_000, date(2026, 10, 5)))


def test_exactly_the_target_is_enough_and_a_centimetre_less_is_not() -> None:
    assert progress(kilometres(10), OCTOBER, [run(2, 10)]).reached is not None
    assert progress(kilometres(10), OCTOBER, [run(2, 9.99999)]).reached is None


def test_first_and_last_day_count_and_the_days_around_do_not() -> None:
    workouts = [run(1, 1), run(31, 2), run(30, 4, month=9), run(1, 8, month=11)]
    assert progress(kilometres(1), OCTOBER, workouts).score == 3_000.0


@pytest.mark.parametrize(
    ("sports", "km"), [((), 7.0), (("running",), 3.0), (("trail_running",), 2.0), (("cycling",), 4.0)]
)
def test_a_family_counts_its_sports_and_a_sport_itself(sports: tuple[str, ...], km: float) -> None:
    workouts = [run(1, 1), run(2, 2, sport="trail_running"), run(3, 4, sport="cycling")]
    assert progress(kilometres(1, *sports), OCTOBER, workouts).score == km * 1_000


def test_the_first_of_equal_bests_counts_and_a_time_is_reached_from_below() -> None:
    measure = Measure(None, "5 km", ("running",), 1_500)
    workouts = [run(1, 5, five_km_s=1_600), run(2, 6, five_km_s=1_490), run(3, 5, five_km_s=1_490), run(4, 2)]
    found = progress(measure, OCTOBER, workouts)
    assert found == Progress(1_490.0, 1_002_000, 4, Reached("w10-2", 1_002_000, date(2026, 10, 2)))


@pytest.mark.parametrize(
    ("metric", "score"), [("workouts", 2.0), ("moving_time", 2.0), ("load", 2.0), ("elevation", 0.0)]
)
def test_any_metric_of_boards_can_be_wanted(metric: Metric, score: float) -> None:
    assert progress(Measure(metric, None, (), 2), OCTOBER, [run(1, 1), run(2, 1)]).score == score


def test_nothing_is_no_progress() -> None:
    assert progress(kilometres(1), OCTOBER, []) == Progress(0.0, 0, 0, None)
