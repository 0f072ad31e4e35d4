"""The history of an athlete's thresholds: what evidence gives what, for how long, whatever the order of facts."""

import math
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.critical_power import CriticalPower, critical_power
from domain.efforts import BestEffort
from domain.threshold_evidence import (
    WINDOW_US,
    Evidence,
    Kind,
    StatedKind,
    WorkoutFact,
    all_out_heart_rate_bpm,
    hour_speed_m_s,
    is_threshold_test,
    kinds_of,
)
from domain.thresholds import StatedThreshold, Threshold, estimated_history, stated_history, threshold_at

DAY = 86_400 * 1_000_000
NAMES = {300.0: "5 min", 600.0: "10 min", 1200.0: "20 min", 3600.0: "1 h"}


def _ride(workout_id: str, day: int, power_w: dict[float, float], sport: str = "cycling") -> WorkoutFact:
    efforts = tuple(BestEffort("power", NAMES[s], s, None, watts, day * DAY) for s, watts in power_w.items())
    return WorkoutFact(workout_id, sport, day * DAY, efforts)


def _run(workout_id: str, day: int, duration_s: dict[float, float], sport: str = "running") -> WorkoutFact:
    efforts = tuple(BestEffort("distance", f"{m / 1000:g} km", s, m, None, day * DAY) for m, s in duration_s.items())
    return WorkoutFact(workout_id, sport, day * DAY, efforts)


def _test(workout_id: str, day: int, bpm: float) -> WorkoutFact:
    return WorkoutFact(workout_id, "running", day * DAY, (), bpm)


def _of(kind: Kind, history: tuple[Threshold, ...]) -> list[tuple[float, int, int | None]]:
    """Value, first day and the day on which it ends."""
    return [
        (span.value, span.from_us // DAY, None if span.until_us is None else span.until_us // DAY)
        for span in history
        if span.kind == kind
    ]


def test_ninety_five_percent_of_twenty_minutes_is_the_threshold_for_ninety_days() -> None:
    (span,) = estimated_history([_ride("a", 10, {1200.0: 300.0})])
    assert span == Threshold("ftp_w", 285.0, "share_of_20_min_power", 10 * DAY, 100 * DAY, (Evidence("a", "20 min"),))


def test_an_hour_counts_whole_where_it_supports_more() -> None:
    history = estimated_history([_ride("a", 0, {1200.0: 300.0, 3600.0: 290.0})])
    assert [(span.value, span.method) for span in history] == [(290.0, "hour_power")]
    history = estimated_history([_ride("a", 0, {1200.0: 300.0, 3600.0: 210.0})])
    assert [(span.value, span.method) for span in history] == [(285.0, "share_of_20_min_power")]


def test_an_estimate_rises_at_once_and_falls_when_its_evidence_ages_out() -> None:
    rides = [_ride("a", 0, {1200.0: 200.0}), _ride("b", 30, {1200.0: 300.0}), _ride("c", 60, {1200.0: 260.0})]
    history = estimated_history(rides)
    assert _of("ftp_w", history) == [(190.0, 0, 30), (285.0, 30, 120), (247.0, 120, 150)]
    assert [span.evidence[0].fact_id for span in history] == ["a", "b", "c"]


def test_between_two_seasons_the_threshold_is_unknown() -> None:
    history = estimated_history([_ride("a", 0, {1200.0: 300.0}), _ride("b", 200, {1200.0: 300.0})])
    assert _of("ftp_w", history) == [(285.0, 0, 90), (285.0, 200, 290)]
    assert threshold_at(history, "ftp_w", 150 * DAY) is None


def test_the_same_power_again_renews_the_evidence() -> None:
    history = estimated_history([_ride("a", 0, {1200.0: 300.0}), _ride("b", 45, {1200.0: 300.0})])
    assert [(span.evidence[0].fact_id, span.from_us // DAY) for span in history] == [("a", 0), ("b", 45)]


def test_evidence_that_was_replaced_before_it_aged_out_leaves_no_seam() -> None:
    rides = [_ride("a", 0, {1200.0: 300.0}), _ride("b", 10, {1200.0: 200.0}), _ride("c", 80, {1200.0: 310.0})]
    assert _of("ftp_w", estimated_history(rides)) == [(285.0, 0, 80), (294.5, 80, 170)]


def test_no_workout_is_judged_by_a_threshold_of_its_own() -> None:
    history = estimated_history([_ride("a", 10, {1200.0: 300.0})])
    assert threshold_at(history, "ftp_w", 10 * DAY - 1) is None
    found = threshold_at(history, "ftp_w", 10 * DAY)
    assert found is not None
    assert found.value == 285.0
    assert threshold_at(history, "ftp_w", 10 * DAY + WINDOW_US) is None
    assert threshold_at(history, "lthr_bpm", 10 * DAY) is None


def test_power_of_a_runner_or_an_ebike_and_speed_of_a_rider_are_no_evidence() -> None:
    strange = [
        _ride("a", 0, {1200.0: 300.0}, sport="running"),
        _ride("b", 0, {1200.0: 300.0}, sport="ebike"),
        _run("c", 0, {10_000.0: 1200.0}, sport="cycling"),
        _run("d", 0, {10_000.0: 2400.0}, sport="hiking"),
    ]
    assert estimated_history(strange) == ()
    assert estimated_history([_ride("a", 0, {1200.0: 0.0})]) == ()


def test_three_efforts_of_one_or_several_rides_give_critical_power_and_w_prime() -> None:
    # 250 W + 20,000 J / duration.
    rides = [_ride("a", 0, {300.0: 950 / 3, 600.0: 850 / 3}), _ride("b", 20, {600.0: 270.0, 1200.0: 800 / 3})]
    history = estimated_history(rides)
    assert _of("critical_power_w", history) == [(250.0, 20, 90)]
    assert _of("w_prime_j", history) == [(20_000.0, 20, 90)]
    assert history[0].evidence == (Evidence("a", "5 min"), Evidence("a", "10 min"), Evidence("b", "20 min"))
    assert history[0].method == "work_time_model"


def test_critical_power_never_stands_in_for_functional_threshold_power() -> None:
    history = estimated_history([_ride("a", 0, {300.0: 950 / 3, 600.0: 850 / 3, 1200.0: 800 / 3})])
    assert _of("ftp_w", history) == [(253.3, 0, 90)]  # 0.95 · 266.67
    assert _of("critical_power_w", history) == [(250.0, 0, 90)]


def test_efforts_that_make_no_sense_together_give_no_critical_power_while_they_lead() -> None:
    even = _ride("even", 0, {300.0: 200.0, 600.0: 200.0, 1200.0: 200.0})
    hard = _ride("hard", 30, {300.0: 950 / 3, 600.0: 850 / 3, 1200.0: 800 / 3})
    assert _of("critical_power_w", estimated_history([even])) == []
    assert _of("critical_power_w", estimated_history([even, hard])) == [(250.0, 30, 120)]


def test_ten_kilometres_in_forty_minutes_foretell_the_speed_of_an_hour() -> None:
    # An hour is 1.5 times as long: 10 km · 1.5^(1/1.06) = 14.66 km.
    assert hour_speed_m_s(10_000.0, 2400.0) == pytest.approx(14_660 / 3600, abs=0.001)
    assert hour_speed_m_s(12_345.0, 3600.0) == pytest.approx(12_345 / 3600)
    with pytest.raises(ValueError, match="lasted 0 s"):
        hour_speed_m_s(10_000.0, 0)


def test_the_run_that_foretells_most_is_the_threshold_speed() -> None:
    (span,) = estimated_history([_run("a", 0, {5_000.0: 1200.0, 10_000.0: 2400.0}, sport="trail_running")])
    # 5 km in 20 min: 5 km · 3^(1/1.06) = 14.10 km.
    assert (span.value, span.method, span.evidence) == (4.072, "riegel", (Evidence("a", "10 km"),))


def test_a_short_run_and_a_long_day_say_nothing_of_an_hour() -> None:
    assert estimated_history([_run("a", 0, {1_000.0: 599.0, 42_195.0: 7201.0})]) == ()
    assert len(estimated_history([_run("a", 0, {1_000.0: 600.0})])) == 1
    assert len(estimated_history([_run("a", 0, {20_000.0: 7200.0})])) == 1


def test_the_latest_test_of_heart_rate_counts_though_it_is_lower() -> None:
    history = estimated_history([_test("a", 0, 172.0), _test("b", 40, 168.04)])
    assert _of("lthr_bpm", history) == [(172.0, 0, 40), (168.0, 40, 130)]
    assert history[1].evidence == (Evidence("b", "all-out 30 min"),)


def test_heart_rate_at_threshold_is_that_of_the_last_twenty_of_thirty_minutes() -> None:
    beats = np.repeat([140.0, 170.0, 100.0], [600, 1200, 300])
    assert all_out_heart_rate_bpm(beats) == 170.0
    assert all_out_heart_rate_bpm(beats[:1800]) == 170.0
    assert all_out_heart_rate_bpm(beats[:1799]) is None


def test_a_test_without_contact_of_the_strap_is_no_test() -> None:
    beats = np.full(1800, 170.0)
    beats[600:720] = math.nan  # a tenth
    assert all_out_heart_rate_bpm(beats) == 170.0
    beats[720] = math.nan
    assert all_out_heart_rate_bpm(beats) is None


def test_only_a_workout_that_is_named_one_is_a_threshold_test() -> None:
    named = ("Threshold test", "Test: 30 min all-out, LTHR", "my lthr test, windy")
    assert all(is_threshold_test(title) for title in named)
    for title in (None, "", "Morning run", "Test of the new watch", "Threshold intervals", "thresholds testing"):
        assert not is_threshold_test(title), title


def test_a_workout_is_evidence_of_the_thresholds_that_its_efforts_reach() -> None:
    assert kinds_of(_ride("a", 0, {300.0: 300.0})) == ("critical_power_w", "w_prime_j")
    assert kinds_of(_ride("a", 0, {3600.0: 200.0})) == ("ftp_w",)
    assert kinds_of(_run("a", 0, {10_000.0: 2400.0})) == ("threshold_speed_m_s",)
    assert kinds_of(_run("a", 0, {1_000.0: 240.0})) == ()
    assert kinds_of(_test("a", 0, 170.0)) == ("lthr_bpm",)


def test_what_the_athlete_states_holds_until_they_state_something_else() -> None:
    stated = [StatedThreshold(300 * DAY, "e2", "ftp_w", 260.0), StatedThreshold(40 * DAY, "e1", "ftp_w", 250.0)]
    history = stated_history(stated)
    assert _of("ftp_w", history) == [(250.0, 40, 300), (260.0, 300, None)]
    assert [(span.method, span.evidence) for span in history] == [
        ("stated", (Evidence("e1", "stated"),)),
        ("stated", (Evidence("e2", "stated"),)),
    ]
    assert threshold_at(history, "ftp_w", 10_000 * DAY) == history[1]


def test_what_was_stated_at_registration_never_replaces_a_change_whatever_its_time() -> None:
    late = StatedThreshold(50 * DAY, "e2", "ftp_w", 200.0, registration=True)
    assert _of("ftp_w", stated_history([late])) == [(200.0, 50, None)]
    changed = StatedThreshold(40 * DAY, "e1", "ftp_w", 250.0)
    assert _of("ftp_w", stated_history([late, changed])) == [(250.0, 40, None)]
    again = StatedThreshold(30 * DAY, "e0", "ftp_w", 190.0, registration=True)
    assert _of("ftp_w", stated_history([late, again, changed])) == [(200.0, 30, 40), (250.0, 40, None)]


def test_of_two_events_of_one_time_the_greater_id_counts() -> None:
    stated = [StatedThreshold(DAY, "e2", "ftp_w", 260.0), StatedThreshold(DAY, "e1", "ftp_w", 250.0)]
    assert _of("ftp_w", stated_history(stated)) == [(260.0, 1, None)]


def test_one_event_may_state_several_kinds() -> None:
    stated = [StatedThreshold(0, "e", "ftp_w", 250.0), StatedThreshold(0, "e", "threshold_speed_m_s", 4.0)]
    assert [span.kind for span in stated_history(stated)] == ["ftp_w", "threshold_speed_m_s"]


def test_two_versions_of_a_fact_are_refused() -> None:
    ride = _ride("a", 0, {1200.0: 300.0})
    with pytest.raises(ValueError, match="workout a is given in two versions"):
        estimated_history([ride, replace(ride, end_us=1)])
    said = StatedThreshold(0, "e", "ftp_w", 250.0)
    with pytest.raises(ValueError, match="event e states ftp_w in two versions"):
        stated_history([said, replace(said, value=251.0)])


def test_a_statement_of_zero_takes_the_threshold_back() -> None:
    stated = [StatedThreshold(0, "e1", "ftp_w", 250.0), StatedThreshold(DAY, "e2", "ftp_w", 0.0)]
    assert _of("ftp_w", stated_history(stated)) == [(250.0, 0, 1)]
    assert stated_history(stated[1:]) == ()


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_stated_threshold_must_not_be_below_zero(value: float) -> None:
    with pytest.raises(ValueError, match="event e states ftp_w"):
        stated_history([StatedThreshold(0, "e", "ftp_w", value)])


# Few levels and days, so that ties, renewals and gaps are common.
_levels = st.sampled_from([200.0, 240.0, 255.0, 270.0, 300.0])
_days = st.integers(0, 400)
_rides = st.dictionaries(st.sampled_from(sorted(NAMES)), _levels, max_size=4)
_runs = st.dictionaries(st.sampled_from([5_000.0, 10_000.0]), st.sampled_from([1200.0, 1500.0, 2400.0, 3000.0]))


@st.composite
def _facts(draw: st.DrawFn) -> list[WorkoutFact]:
    facts: list[WorkoutFact] = []
    for number in range(draw(st.integers(0, 8))):
        workout_id, day = f"w{number}", draw(_days)
        made = draw(st.integers(0, 2))
        if made == 0:
            facts.append(_ride(workout_id, day, draw(_rides)))
        elif made == 1:
            facts.append(_run(workout_id, day, draw(_runs)))
        else:
            facts.append(_test(workout_id, day, draw(st.sampled_from([165.0, 170.0]))))
    return facts


_kinds: st.SearchStrategy[StatedKind] = st.sampled_from(["ftp_w", "lthr_bpm", "threshold_speed_m_s"])
_stated = st.lists(
    st.builds(
        StatedThreshold,
        st.integers(0, 500).map(lambda day: day * DAY),
        st.uuids().map(str),
        _kinds,
        _levels,
        st.booleans(),
    ),
    max_size=3,
    unique_by=lambda fact: fact.event_id,
)


@settings(deadline=None)
@given(_facts(), _stated, st.integers(0, 2**32))
def test_any_order_of_facts_given_once_or_twice_is_one_history(
    facts: list[WorkoutFact], stated: list[StatedThreshold], seed: int
) -> None:
    shuffled, said = [*facts, *facts[::2]], [*stated, *stated[1:]]
    order = random.Random(seed)
    order.shuffle(shuffled)
    order.shuffle(said)
    assert estimated_history(shuffled) == estimated_history(facts)
    assert stated_history(said) == stated_history(stated)


@settings(deadline=None)
@given(_facts())
def test_a_deleted_workout_takes_its_estimates_along_and_nothing_else(facts: list[WorkoutFact]) -> None:
    history = estimated_history(facts)
    for gone in facts:
        without = estimated_history([fact for fact in facts if fact is not gone])
        assert all(evidence.fact_id != gone.workout_id for span in without for evidence in span.evidence)
        # Spans that did not rest on it stay. Not so critical power, whose fit its efforts may have spoilt.
        for span in history:
            if span.kind not in ("critical_power_w", "w_prime_j") and gone.workout_id not in {
                evidence.fact_id for evidence in span.evidence
            }:
                now = threshold_at(without, span.kind, span.from_us)
                assert now is not None
                assert (now.value, now.method, now.evidence) == (span.value, span.method, span.evidence)


def _plain(facts: list[WorkoutFact], kind: Kind, at_us: int) -> float | None:
    """The value of a kind at a time, by the rules, from the facts of the window alone."""
    near = [fact for fact in facts if fact.end_us <= at_us < fact.end_us + 90 * DAY]
    efforts = [(fact.sport, effort) for fact in near for effort in fact.best_efforts]
    best: dict[float, float] = {}
    for sport, effort in efforts:
        if sport == "cycling" and effort.power_w is not None:
            best[effort.duration_s] = max(best.get(effort.duration_s, 0.0), effort.power_w)
    if kind == "ftp_w":
        powers = [best[3600.0]] if 3600.0 in best else []
        powers += [0.95 * best[1200.0]] if 1200.0 in best else []
        return round(max(powers), 1) if powers else None
    if kind == "threshold_speed_m_s":
        speeds = [hour_speed_m_s(e.distance_m, e.duration_s) for _, e in efforts if e.distance_m is not None]
        return round(max(speeds), 3) if speeds else None
    if kind == "lthr_bpm":
        tests = sorted((f.end_us, -int(f.workout_id[1:]), f.all_out_30_min_bpm) for f in near if f.all_out_30_min_bpm)
        return tests[-1][2] if tests else None
    fit = critical_power(np.array(list(best)), np.array(list(best.values())))
    if not isinstance(fit, CriticalPower):
        return None
    return round(fit.cp_w if kind == "critical_power_w" else fit.w_prime_j, 1)


_every_kind: list[Kind] = ["critical_power_w", "ftp_w", "lthr_bpm", "threshold_speed_m_s", "w_prime_j"]


@settings(deadline=None)
@given(_facts(), st.lists(st.integers(0, 500), min_size=1, max_size=20))
def test_at_any_time_the_history_is_what_the_rules_make_of_the_window(
    facts: list[WorkoutFact], days: list[int]
) -> None:
    history = estimated_history(facts)
    for kind in _every_kind:
        for day in days:
            found = threshold_at(history, kind, day * DAY)
            assert (found.value if found else None) == _plain(facts, kind, day * DAY), (kind, day)


@settings(deadline=None)
@given(_facts(), _stated)
def test_spans_of_a_kind_come_in_order_and_do_not_overlap(
    facts: list[WorkoutFact], stated: list[StatedThreshold]
) -> None:
    for history in (estimated_history(facts), stated_history(stated)):
        _in_order(history)


def _in_order(history: tuple[Threshold, ...]) -> None:
    assert [span.kind for span in history] == sorted(span.kind for span in history)
    for before, after in pairwise(history):
        assert before.until_us is None or before.until_us > before.from_us
        if before.kind == after.kind:
            assert before.until_us is not None
            assert before.until_us <= after.from_us
