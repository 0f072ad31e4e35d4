"""Achievements are a function of the set of facts, and what is kept up says the same as looking at all of them."""

from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import achievements
from domain.achievement_facts import Award, Done, Fact, Workout
from domain.achievement_rules import Streak, rules_from
from domain.achievements import Achievements, difference, earned
from domain.boards import Effort
from domain.efforts import BestEffort
from stridelog.achievements_file import load

FIRST = date(2026, 11, 1)
OURS = load()


def _rules(**rules: dict[str, Any]) -> Any:
    texts = {"title": "A title", "text": "What it is about.", "version": 1}
    return rules_from({"achievements": {name: texts | fields for name, fields in rules.items()}})


# Levels so low that the few facts of an example reach them.
LOW = _rules(
    best={"kind": "personal_best", "sport": "running", "fastest": "5 km"},
    power={"kind": "personal_best", "sport": "cycling", "strongest": "20 min", "first_counts": True},
    longest={"kind": "personal_best", "most": "distance"},
    first={"kind": "first", "each_sport": True},
    far={"kind": "first", "metric": "distance", "at_least": "7 m"},
    sum={"kind": "milestone", "metric": "distance", "levels": ["5 m", "10 m", "20 m", "40 m"]},
    goals={"kind": "milestone", "metric": "goals", "levels": [1, 2]},
    days={"kind": "streak", "unit": "day", "levels": [2, 3, 4, 6]},
    rested={"kind": "streak", "unit": "day", "rests": 1, "per": 3, "levels": [2, 3, 4, 6]},
    weeks={"kind": "streak", "unit": "week", "rests": 1, "per": 2, "levels": [2, 3]},
    week={"kind": "challenge", "metric": "workouts", "every": "week", "target": 3},
    once={
        "kind": "challenge",
        "metric": "distance",
        "first_day": "2026-11-03",
        "last_day": "2026-11-09",
        "target": "12 m",
    },
)
NOT_TAKEN_AWAY = {rule.id for rule in LOW if rule.kind != "personal_best"}

ids = st.sampled_from([f"w{n}" for n in range(12)])


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    day = draw(st.integers(0, 20))
    # A day is 10 µs here: ends of one day are close, equal and out of order with those of the next.
    end_us = day * 10 + draw(st.integers(-12, 12))
    if draw(st.integers(0, 7)) == 0:
        return Done(draw(ids), draw(st.sampled_from(["challenges", "goals"])), end_us, FIRST + timedelta(days=day))
    figure = float(draw(st.integers(0, 9)))
    best_efforts = (
        BestEffort("distance", "5 km", 1500 - figure, 5000.0, None, 0),
        BestEffort("power", "20 min", 1200.0, None, 200 + figure, 0),
    )
    sport = draw(st.sampled_from(["running", "trail_running", "cycling", "other"]))
    effort = Effort(draw(ids), sport, end_us, FIRST + timedelta(days=day), figure, 60 * figure, 10 * figure, figure)
    return Workout(effort, best_efforts[: draw(st.integers(0, 2))])


fact_sets = st.lists(facts(), max_size=12, unique_by=lambda fact: fact.id)
steps = st.lists(st.one_of(facts(), facts(), facts(), ids), max_size=40)


@given(fact_sets, st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(known: list[Fact], random: Any) -> None:
    shuffled = list(known)
    random.shuffle(shuffled)
    assert earned(LOW, shuffled) == earned(LOW, known)


@settings(max_examples=300)
@given(steps, st.integers(1, 5), st.integers(1, 4))
def test_what_is_kept_up_is_what_all_facts_say(doings: list[Fact | str], asked_every: int, checkpoint: int) -> None:
    with patch.object(achievements, "_CHECKPOINT_EVERY", checkpoint):
        kept, known, told = Achievements(LOW), dict[str, Fact](), set[Award]()
        for number, doing in enumerate(doings):
            if isinstance(doing, str):
                kept.remove(doing)
                known.pop(doing, None)
            else:
                kept.put(doing)
                known[doing.id] = doing
            if number % asked_every == 0:
                now = earned(LOW, known.values())
                assert kept.changes() == difference(told, now)
                assert kept.awards() == now
                told = now
        assert kept.awards() == earned(LOW, known.values())


@given(fact_sets)
def test_a_user_has_one_award_of_a_key(known: list[Fact]) -> None:
    awards = earned(LOW, known)
    assert len({award.key for award in awards}) == len(awards)


@given(fact_sets, facts())
def test_one_more_fact_takes_nothing_away_but_personal_bests(known: list[Fact], more: Fact) -> None:
    known = [fact for fact in known if fact.id != more.id]
    before, after = earned(LOW, known), earned(LOW, [*known, more])
    assert {award.key for award in before if award.achievement in NOT_TAKEN_AWAY} <= {award.key for award in after}


@given(st.sets(st.integers(0, 30)), st.integers(0, 3), st.integers(2, 6))
def test_a_streak_is_the_longest_run_whose_every_window_has_its_rests_at_most(
    active: set[int], rests: int, per: int
) -> None:
    rests = min(rests, per - 1)
    allowance = {"rests": rests, "per": per} if rests else {}
    rules = _rules(streak={"kind": "streak", "unit": "day", "levels": list(range(1, 32)), **allowance})
    assert isinstance(rules[0], Streak)
    workouts = [Workout(Effort(f"w{n}", "running", n, FIRST + timedelta(days=n), 0, 0, 0, 0)) for n in active]

    def allowed(first: int, last: int) -> bool:
        windows = [range(begin, min(begin + (per if rests else 1), last + 1)) for begin in range(first, last + 1)]
        return all(sum(day not in active for day in window) <= rests for window in windows)

    longest = [
        sum(first <= day <= last for day in active)
        for first in active
        for last in active
        if first <= last and allowed(first, last)
    ]
    assert len(earned(rules, workouts)) == max(longest, default=0)


@given(fact_sets)
def test_a_rule_more_leaves_the_awards_of_the_others_as_they_are(known: list[Fact]) -> None:
    assert earned([*LOW, *OURS], known) == earned(LOW, known) | earned(OURS, known)
