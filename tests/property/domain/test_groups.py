"""Groups, challenges and goals are functions of sets of events: neither order nor a second copy matters."""

from datetime import date
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.boards import Effort
from domain.goals import Every, Goal, GoalEvent, aim_of
from domain.groups import CHANGES, ROLES, GroupEvent, group_of
from domain.targets import Measure, Progress, Window, progress

USERS = ("ada", "bob", "eve")


def _event(number: int, change: str, time: int, user: str, actor: str, role: str) -> GroupEvent:
    by = actor if change in ("role_changed", "removed") else user
    return GroupEvent("g", f"{number}", change, time, user, by, role)  # type: ignore[arg-type] # drawn from them


events = st.lists(
    st.tuples(
        st.sampled_from(CHANGES),
        st.integers(0, 6),
        st.sampled_from(USERS),
        st.sampled_from(USERS),
        st.sampled_from(ROLES),
    ),
    max_size=14,
).map(lambda drawn: [_event(number, *fields) for number, fields in enumerate(drawn)])


@given(events, st.randoms(use_true_random=False))
def test_a_group_does_not_depend_on_the_order_of_its_events(drawn: list[GroupEvent], random: Random) -> None:
    shuffled = list(drawn)
    random.shuffle(shuffled)
    assert group_of(shuffled) == group_of(drawn)


@given(events)
def test_an_open_group_always_has_an_owner(drawn: list[GroupEvent]) -> None:
    group = group_of(drawn)
    if group is not None:
        assert ("owner" in group.members.values()) == (group.closed_us is None)


@given(events)
def test_of_all_events_of_an_open_group_each_has_an_effect_or_is_counted(drawn: list[GroupEvent]) -> None:
    group = group_of(drawn)
    if group is not None and group.closed_us is None:
        effects = sum(len(history) for history in group._history.values())
        assert effects + group.refused.total() == len(drawn)


workouts = st.lists(
    st.builds(
        Effort,
        workout_id=st.uuids().map(str),
        sport=st.sampled_from(["running", "cycling"]),
        end_us=st.integers(1, 50),
        day=st.integers(1, 28).map(lambda day: date(2026, 10, day)),
        distance_m=st.floats(0, 20_000),
        moving_time_s=st.floats(0, 9_000),
        elevation_gain_m=st.just(0.0),
        load=st.floats(0, 300),
        bests=st.sampled_from([(), (("5 km", 1_500.0),), (("5 km", 1_400.0),)]),
    ),
    max_size=12,
    unique_by=lambda one: one.workout_id,
)
measures = st.sampled_from(
    [
        Measure("distance", None, (), 15_000.0),
        Measure("workouts", None, ("running",), 3.0),
        Measure(None, "5 km", ("running",), 1_450.0),
    ]
)
WINDOW = Window(date(2026, 10, 5), date(2026, 10, 20))


@given(workouts, measures, st.randoms(use_true_random=False))
def test_progress_does_not_depend_on_the_order_of_workouts(
    done: list[Effort], measure: Measure, random: Random
) -> None:
    shuffled = list(done)
    random.shuffle(shuffled)
    assert progress(measure, WINDOW, shuffled) == progress(measure, WINDOW, done)


@given(workouts, measures)
def test_a_target_is_reached_when_the_score_is_there_and_with_a_workout_of_the_window(
    done: list[Effort], measure: Measure
) -> None:
    found: Progress = progress(measure, WINDOW, done)
    there = 0 < found.score <= measure.amount if measure.less_is_better else found.score >= measure.amount
    assert (found.reached is not None) == there
    if found.reached is not None:
        one = next(workout for workout in done if workout.workout_id == found.reached.workout_id)
        assert one.day in WINDOW
        assert found.reached.at_us <= found.achieved_us or measure.effort is not None


goal_events = st.lists(
    st.tuples(st.integers(1_790_000_000, 1_793_000_000), st.sampled_from(["week", "month", "year", None])), max_size=6
).map(
    lambda drawn: [
        GoalEvent("g", str(number), at * 1_000_000, "UTC", _goal(every)) for number, (at, every) in enumerate(drawn)
    ]
)


def _goal(every: str | None) -> Goal | None:
    named: dict[str | None, Every] = {"week": "week", "month": "month", "year": "year"}
    return Goal(Measure("distance", None, (), 1.0), named[every]) if every else None


@given(goal_events, st.randoms(use_true_random=False))
def test_a_goal_does_not_depend_on_the_order_of_its_events(drawn: list[GoalEvent], random: Random) -> None:
    shuffled = list(drawn)
    random.shuffle(shuffled)
    assert aim_of(shuffled) == aim_of(drawn)
