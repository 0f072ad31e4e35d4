"""Motors and lifts: climbs that no heart, no legs and no power meter know of."""

import numpy as np
import pytest

from domain.integrity_flags import Flag, RuleName
from domain.track import FloatColumn

from .cases import flags, moving


def test_an_e_bike_is_seen_by_the_heart_at_rest_uphill() -> None:
    # 12 % at 4 m/s rise 0.48 m/s: 9.80665 * 0.48 * (70 + 6.8) / 70 = 5.16 W/kg.
    hill = moving(np.full(900, 4.0), rise_m_s=0.48, heart_rate_bpm=85.0)
    flag = flags(hill, "cycling")["motor_assistance"]
    assert "at least 5.2 W/kg with a heart rate of at most 96 bpm" in flag.reason
    assert flag.decision == "flagged"
    assert flag.evidence.value == pytest.approx(5.164, abs=0.01)
    assert flags(hill, "ebike") == {}
    assert flags(moving(np.full(900, 4.0), rise_m_s=0.48, heart_rate_bpm=165.0), "cycling") == {}


def test_a_lift_in_a_mountain_bikers_day_is_noted() -> None:
    flag = flags(moving(np.full(900, 4.0), rise_m_s=0.48, heart_rate_bpm=85.0), "mountain_biking")["motor_assistance"]
    assert flag.decision == "noted"
    assert "A lift is part of this sport" in flag.reason


def test_a_climb_beyond_world_class_is_flagged_at_any_heart_rate() -> None:
    # The limit of five minutes: 7.60 * 1.1 W/kg / (9.80665 * 76.8 / 70) = 0.777 m/s, 2797 m an hour.
    flag = flags(moving(np.full(900, 8.0), rise_m_s=0.9, heart_rate_bpm=190.0), "cycling")["motor_assistance"]
    assert "climbing at 3240 m an hour" in flag.reason
    assert flag.evidence.limit == pytest.approx(2797, abs=1)


def test_a_climb_that_the_power_meter_does_not_know_is_flagged() -> None:
    # 0.3 m/s take 9.80665 * 0.3 * 76.8 = 226 W.
    def climb(power_w: float | FloatColumn) -> dict[RuleName, Flag]:
        return flags(moving(np.full(1500, 4.0), rise_m_s=0.3, power_w=power_w, heart_rate_bpm=165.0), "cycling")

    flag = climb(100.0)["motor_assistance"]
    assert "takes at least 226 W; the power meter says 100 W" in flag.reason
    assert flag.evidence.limit == pytest.approx(150.0)
    assert climb(240.0) == {}
    # A battery that is empty from the start, and after five minutes.
    assert climb(0.0) == {}
    assert climb(np.where(np.arange(1500) < 300, 240.0, 0.0)) == {}


def test_a_lift_on_a_hike_is_flagged() -> None:
    assert "2880 m an hour" in flags(moving(np.full(900, 3.0), rise_m_s=0.8), "hiking")["motor_assistance"].reason
