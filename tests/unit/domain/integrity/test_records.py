"""Records: bests and totals beyond them are flagged, by sex and where the course allows it."""

import numpy as np
import pytest

from domain.athlete import Athlete
from domain.summary import Stated
from domain.track import NO_SAMPLES

from .cases import START_US, context_of, flags, moving


def test_five_kilometres_faster_than_the_record_are_flagged() -> None:
    # 5000 m / 7.2 m/s = 694.4 s; the record of 755.36 s / 1.05 = 719.4 s. The mile, 223.5 s, is within 212.5 s.
    flag = flags(moving(np.full(800, 7.2)))["beyond_record"]
    assert flag.reason == (
        "5 km in 11:34; the limit is 11:59, from Joshua Cheptegei's 5000 m in 12:35 on 2020-08-14 "
        "(World Athletics) and a margin."
    )
    assert (flag.evidence.value, flag.evidence.limit) == pytest.approx((694.4, 719.39), abs=0.1)


def test_records_are_those_of_the_sex_and_unspecified_is_the_wider_limit() -> None:
    # 6.5 m/s are 769.2 s over 5 km: 838.06 / 1.05 = 798.2 s for women, 719.4 s for men.
    fast = moving(np.full(900, 6.5))
    assert "Beatrice Chebet" in flags(fast, athlete=Athlete(sex="female"))["beyond_record"].reason
    assert flags(fast, athlete=Athlete(sex="male")) == {}
    assert flags(fast, athlete=Athlete(sex="unspecified")) == {}


def test_a_course_that_falls_too_much_is_not_compared_with_records() -> None:
    assert flags(moving(np.full(800, 7.2), rise_m_s=-0.2)) == {}


def test_watts_per_kilogram_are_judged_where_the_weight_is_known() -> None:
    # 700 W / 70 kg = 10 W/kg for five minutes; 7.60 * 1.1 = 8.36.
    ride = moving(np.full(400, 8.0), power_w=700.0)
    flag = flags(ride, "cycling", Athlete(mass_kg=70.0))["beyond_record"]
    assert "10.0 W/kg for 5 min; the limit is 8.4 W/kg" in flag.reason
    assert flags(ride, "cycling") == {}
    # 7.8 W/kg: within 8.36 for men, over 6.74 * 1.1 = 7.41 for women
    ride = moving(np.full(400, 8.0), power_w=546.0)
    assert "the limit is 7.4 W/kg" in flags(ride, "cycling", Athlete("female", mass_kg=70.0))["beyond_record"].reason
    assert flags(ride, "cycling", Athlete("male", mass_kg=70.0)) == {}


@pytest.mark.parametrize(
    ("sport", "stated", "reason"),
    [
        # 42 195 m / 7235 s * 1.05 = 6.124 m/s, 22.0 km in an hour
        ("running", Stated(distance_m=50_000.0, timer_time_s=3600.0), "50.0 km stated in 1:00:00"),
        ("cycling", Stated(distance_m=10_000.0, timer_time_s=3600.0, ascent_m=4000.0), "4000 m of climbing stated"),
        ("other", Stated(timer_time_s=100_000.0), "An entry by hand of 27.8 h; the limit is 24 h"),
    ],
)
def test_impossible_totals_entered_by_hand_are_flagged(sport: str, stated: Stated, reason: str) -> None:
    context = context_of(NO_SAMPLES, end_us=START_US + round((stated.timer_time_s or 0) * 1e6))
    assert reason in flags(NO_SAMPLES, sport, context=context, stated=stated)["impossible_total"].reason


def test_a_fair_entry_by_hand_is_not_flagged() -> None:
    fair = Stated(distance_m=12_000.0, timer_time_s=3600.0, ascent_m=300.0)
    assert flags(NO_SAMPLES, stated=fair) == {}
    assert flags(NO_SAMPLES, stated=Stated(timer_time_s=3600.0)) == {}
