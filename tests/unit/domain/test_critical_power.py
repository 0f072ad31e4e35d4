"""Critical power and W' against values worked by hand and the plain sums that the vectorised forms stand for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from domain.critical_power import (
    CriticalPower,
    NoFit,
    critical_power,
    ftp_of_20_min_w,
    lowest_balance_j,
    w_prime_balance_differential_j,
    w_prime_balance_integral_j,
    xpower_w,
)

Floats = NDArray[np.float64]

powers = arrays(np.float64, st.integers(0, 300), elements=st.floats(0, 1500))
critical_powers = st.floats(100, 450)
w_primes = st.floats(2_000, 40_000)


def _fit_of(efforts: dict[float, float]) -> CriticalPower | NoFit:
    return critical_power(np.array(list(efforts)), np.array(list(efforts.values())))


def _fitted(efforts: dict[float, float]) -> CriticalPower:
    fit = _fit_of(efforts)
    assert isinstance(fit, CriticalPower), fit
    return fit


def _refused(efforts: dict[float, float]) -> NoFit:
    fit = _fit_of(efforts)
    assert isinstance(fit, NoFit), fit
    return fit


def test_efforts_on_the_curve_give_back_critical_power_and_w_prime() -> None:
    # 250 W + 20,000 J / duration: 316.7 W, 283.3 W, 266.7 W.
    fit = _fitted({seconds: 250 + 20_000 / seconds for seconds in (1200.0, 300.0, 600.0)})
    assert [fit.cp_w, fit.w_prime_j] == pytest.approx([250.0, 20_000.0])
    assert [fit.cp_error_w, fit.w_prime_error_j] == pytest.approx([0.0, 0.0], abs=1e-3)
    assert fit.durations_s == (300.0, 600.0, 1200.0)


def test_the_line_is_that_of_least_squares_of_work() -> None:
    # As above with 4,200 J more in 10 min. Durations less their mean: -400, -100, 500, squares 420,000. CP falls by
    # 100 · 4,200 / 420,000 = 1 W; W' = 20,000 + 4,200/3 + 700 = 22,100 J. Missed: -1,800, 2,700, -900 J, squares
    # 11.34 million; errors √(11.34e6 / 420,000) = √27 W and √(11.34e6 · (1/3 + 700²/420,000)) = √17.01e6 J.
    fit = _fitted({300.0: 95_000 / 300, 600.0: 174_200 / 600, 1200.0: 320_000 / 1200})
    assert [fit.cp_w, fit.w_prime_j] == pytest.approx([249.0, 22_100.0])
    assert [fit.cp_error_w, fit.w_prime_error_j] == pytest.approx([27**0.5, 17.01e6**0.5])


def test_sprints_and_hours_do_not_count() -> None:
    efforts = {seconds: 250 + 20_000 / seconds for seconds in (300.0, 600.0, 1200.0)}
    assert _fitted(efforts | {119.0: 900.0, 1201.0: 200.0}) == _fitted(efforts)
    on_the_edge = _fitted(efforts | {120.0: 250 + 20_000 / 120})
    assert on_the_edge.durations_s == (120.0, 300.0, 600.0, 1200.0)


def test_of_one_duration_the_higher_power_counts_and_unknown_power_does_not() -> None:
    durations = np.array([300.0, 300.0, 600.0, 1200.0, 900.0])
    fit = critical_power(durations, np.array([316.0 + 2 / 3, 200.0, 283.0 + 1 / 3, 266.0 + 2 / 3, math.nan]))
    assert isinstance(fit, CriticalPower)
    assert fit.cp_w == pytest.approx(250.0)
    assert fit.durations_s == (300.0, 600.0, 1200.0)


def test_two_efforts_are_too_few() -> None:
    refusal = _refused({300.0: 300.0, 1200.0: 260.0, 3600.0: 240.0})
    assert refusal.reason == "too_few_efforts"
    assert refusal.detail.startswith("2 efforts")


def test_efforts_of_nearly_one_duration_say_nothing_of_a_slope() -> None:
    assert _refused({300.0: 300.0, 400.0: 290.0, 599.0: 280.0}).reason == "too_near_together"
    assert isinstance(_fit_of({300.0: 300.0, 400.0: 287.5, 600.0: 275.0}), CriticalPower)


def test_power_that_does_not_fall_with_duration_is_no_critical_power() -> None:
    even = _refused({300.0: 200.0, 600.0: 200.0, 1200.0: 200.0})  # W' 0
    assert even.reason == "w_prime_out_of_range"
    assert "harder short" in even.detail


def test_a_nearly_even_ride_is_no_critical_power_though_it_lies_on_a_line() -> None:
    nearly = {seconds: 200 + 4_900 / seconds for seconds in (300.0, 600.0, 1200.0)}
    assert _refused(nearly).reason == "w_prime_out_of_range"
    assert _fitted({seconds: watts + 200 / seconds for seconds, watts in nearly.items()}).cp_w == pytest.approx(200.0)


def test_easy_long_efforts_do_not_make_a_huge_w_prime() -> None:
    # Work 120, 130, 150 kJ lies on 110 kJ + 33.3 W.
    refusal = _refused({300.0: 400.0, 600.0: 130_000 / 600, 1200.0: 125.0})
    assert refusal.reason == "w_prime_out_of_range"
    assert "harder long" in refusal.detail


def test_less_work_in_more_time_is_refused() -> None:
    assert _refused({300.0: 400.0, 600.0: 150.0, 1200.0: 60.0}).reason == "critical_power_not_positive"


def test_efforts_that_do_not_lie_on_a_line_are_refused() -> None:
    # Work 70, 180, 300 kJ: CP 245 W with an error of 58 W.
    assert _refused({300.0: 70_000 / 300, 600.0: 300.0, 1200.0: 250.0}).reason == "scattered"


def test_columns_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 durations and 1 powers"):
        critical_power(np.array([300.0, 600.0]), np.array([300.0]))


@given(critical_powers, st.floats(6_000, 40_000), st.permutations([120.0, 240.0, 300.0, 600.0, 1200.0]))
def test_any_athlete_of_the_model_is_found_again_from_efforts_in_any_order(
    cp_w: float, w_prime_j: float, durations_s: list[float]
) -> None:
    fit = _fitted({seconds: cp_w + w_prime_j / seconds for seconds in durations_s})
    assert [fit.cp_w, fit.w_prime_j] == pytest.approx([cp_w, w_prime_j], rel=1e-6)
    assert fit.durations_s == tuple(sorted(durations_s))


def test_functional_threshold_is_ninety_five_percent_of_twenty_minutes() -> None:
    assert ftp_of_20_min_w(300.0) == pytest.approx(285.0)


def test_what_is_spent_is_missing_and_comes_back_by_the_watts_below_critical_power() -> None:
    # A minute 100 W above CP leaves 4,000 of 10,000 J. 100 s 100 W below: 6,000 J · e^(-100 · 100 / 10,000) missing.
    balance = w_prime_balance_differential_j(np.repeat([350.0, 150.0], [60, 100]), 250.0, 10_000.0)
    assert balance[0] == pytest.approx(9_900.0)
    assert balance[59] == pytest.approx(4_000.0)
    assert balance[159] == pytest.approx(10_000 - 6_000 / math.e)


def test_at_critical_power_the_differential_balance_stands_still() -> None:
    balance = w_prime_balance_differential_j(np.repeat([350.0, 250.0], [60, 60]), 250.0, 10_000.0)
    assert balance[60:].tolist() == pytest.approx([4_000.0] * 60)


def test_integral_balance_comes_back_with_the_time_constant_of_the_mean_below_critical_power() -> None:
    # One second of 1,250 W spends 1,000 J. The rest is 0 W, D 250 W: τ = 546 e^-2.5 + 316 = 360.818 s.
    balance = w_prime_balance_integral_j(np.array([1250.0] + [0.0] * 40), 250.0, 10_000.0)
    assert balance[0] == pytest.approx(9_000.0)
    assert balance[40] == pytest.approx(10_000 - 1_000 * math.exp(-40 / 360.818), abs=1e-3)


def test_integral_balance_recovers_above_critical_power_too() -> None:
    # No second below CP: τ = 546 + 316 = 862 s.
    balance = w_prime_balance_integral_j(np.full(2, 300.0), 250.0, 10_000.0)
    assert balance.tolist() == pytest.approx([9_950.0, 9_950 - 50 * math.exp(-1 / 862)])


def test_balance_below_zero_is_shown_not_cut_off() -> None:
    power = np.full(120, 350.0)  # 12,000 J of 10,000
    assert w_prime_balance_differential_j(power, 250.0, 10_000.0)[-1] == pytest.approx(-2_000.0)
    assert w_prime_balance_integral_j(power, 250.0, 10_000.0)[-1] < 0


def test_a_later_second_changes_the_integral_balance_of_an_earlier_one_but_not_the_differential() -> None:
    ride = np.repeat([350.0, 200.0], [60, 60])
    longer = np.concatenate((ride, np.full(600, 50.0)))
    short, long = (w_prime_balance_differential_j(power, 250.0, 10_000.0) for power in (ride, longer))
    assert long[:120].tolist() == pytest.approx(short.tolist(), abs=1e-6)
    short, long = (w_prime_balance_integral_j(power, 250.0, 10_000.0) for power in (ride, longer))
    assert (long[60:120] > short[60:] + 1).all()


@settings(deadline=None)
@given(powers, critical_powers, w_primes)
def test_integral_balance_is_the_sum_over_all_seconds_before(power: Floats, cp_w: float, w_prime_j: float) -> None:
    below = [watts for watts in power.tolist() if watts < cp_w]
    tau_s = 546 * math.exp(-0.01 * (cp_w - (sum(below) / len(below) if below else cp_w))) + 316
    spent = [max(0.0, watts - cp_w) for watts in power.tolist()]
    naive = [
        w_prime_j - sum(spent[u] * math.exp(-(t - u) / tau_s) for u in range(t + 1)) for t in range(0, len(power), 7)
    ]
    balance = w_prime_balance_integral_j(power, cp_w, w_prime_j)
    assert balance[::7].tolist() == pytest.approx(naive, rel=1e-9, abs=1e-6)
    assert (balance <= w_prime_j).all()


@settings(deadline=None)
@given(powers, critical_powers, w_primes)
def test_differential_balance_is_the_second_by_second_loop(power: Floats, cp_w: float, w_prime_j: float) -> None:
    missing = 0.0
    naive: list[float] = []
    for watts in power.tolist():
        missing = missing + watts - cp_w if watts >= cp_w else missing * math.exp(-(cp_w - watts) / w_prime_j)
        naive.append(w_prime_j - missing)
    balance = w_prime_balance_differential_j(power, cp_w, w_prime_j)
    assert balance.tolist() == pytest.approx(naive, rel=1e-9, abs=1e-6)
    assert (balance <= w_prime_j).all()


def test_a_match_is_burnt_where_the_balance_is_lowest() -> None:
    balance = w_prime_balance_differential_j(np.repeat([350.0, 150.0, 400.0, 0.0], [60, 100, 10, 60]), 250.0, 10_000.0)
    lowest = lowest_balance_j(balance)
    assert lowest is not None
    assert lowest[0] == pytest.approx(4_000.0)
    assert lowest[1] == 59
    assert lowest_balance_j(np.array([])) is None


def test_an_easy_ride_burns_no_match() -> None:
    assert lowest_balance_j(w_prime_balance_differential_j(np.full(60, 200.0), 250.0, 10_000.0)) == (10_000.0, 0)


def test_xpower_starts_at_rest() -> None:
    # After k seconds of 260 W the average is 260 (1 - (25/26)^k).
    rising = [260 * (1 - (25 / 26) ** k) for k in range(1, 26)]
    assert xpower_w(np.full(25, 260.0)) == pytest.approx((sum(x**4 for x in rising) / 25) ** 0.25)
    assert xpower_w(np.full(24, 260.0)) is None


def test_hours_of_steady_power_are_their_own_xpower() -> None:
    assert xpower_w(np.full(4 * 3600, 213.0)) == pytest.approx(213.0, abs=0.3)


@given(arrays(np.float64, st.integers(25, 200), elements=st.floats(0, 1500)))
def test_xpower_is_the_fourth_power_mean_of_the_average_carried_on(power: Floats) -> None:
    average = 0.0
    fourth = 0.0
    for watts in power.tolist():
        average = average * 25 / 26 + watts / 26
        fourth += average**4
    assert xpower_w(power) == pytest.approx((fourth / len(power)) ** 0.25, rel=1e-9, abs=1e-9)


def test_unknown_seconds_are_refused_by_their_place() -> None:
    power = np.full(60, 200.0)
    power[17] = math.nan
    with pytest.raises(ValueError, match="second 17"):
        xpower_w(power)
    for balance in (w_prime_balance_integral_j, w_prime_balance_differential_j):
        with pytest.raises(ValueError, match="second 17"):
            balance(power, 250.0, 10_000.0)


def test_a_balance_needs_a_critical_power_and_a_w_prime() -> None:
    for balance in (w_prime_balance_integral_j, w_prime_balance_differential_j):
        with pytest.raises(ValueError, match="critical power is 0"):
            balance(np.full(9, 200.0), 0.0, 10_000.0)
        with pytest.raises(ValueError, match="W' is nan"):
            balance(np.full(9, 200.0), 250.0, math.nan)
