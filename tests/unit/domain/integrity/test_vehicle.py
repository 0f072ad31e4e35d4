"""Vehicles: a car, a bus and a boat are flagged, a sprint and a descent are not."""

import numpy as np
import pytest

from domain.integrity_flags import VERSIONS
from domain.integrity_motion import stretch
from domain.track import track_from_columns

from .cases import START_US, flags, moving


def test_a_car_in_a_run_is_flagged_where_it_drove() -> None:
    # 400 m in 43.03 s are 9.296 m/s; with 5 % the limit of a minute is 9.761 m/s, 35.1 km/h.
    speed = np.full(1800, 3.0)
    speed[600:900] = 20.0
    heart_rate = np.where(speed > 10, 80.0, 150.0)
    flag = flags(moving(speed, heart_rate_bpm=heart_rate))["vehicle"]
    assert flag.decision == "flagged"
    assert flag.version == VERSIONS["vehicle"]
    assert "at 72.0 km/h; the limit is 35.1 km/h" in flag.reason
    assert "the heart rate was 80 bpm, very light and no cadence was recorded" in flag.reason
    assert flag.evidence.start_us == pytest.approx(START_US + 600_000_000, abs=12_000_000)
    assert flag.evidence.end_us == pytest.approx(START_US + 900_000_000, abs=12_000_000)
    assert (flag.evidence.value, flag.evidence.limit) == pytest.approx((20.0, 9.7606), abs=1e-3)


def test_a_sprint_is_no_car() -> None:
    speed = np.full(1800, 3.0)
    speed[600:640] = 11.0
    assert "vehicle" not in flags(moving(speed))


@pytest.mark.parametrize("speed_source", ["speed_m_s", "distance_m"])
def test_a_car_is_seen_by_speed_or_counter_where_there_are_no_positions(speed_source: str) -> None:
    speed = np.full(900, 20.0)
    values = speed if speed_source == "speed_m_s" else np.cumsum(speed)
    track = track_from_columns(START_US + np.arange(900) * 1_000_000, **{speed_source: values})
    assert "no heart rate was recorded" in flags(track)["vehicle"].reason


def test_nine_seconds_of_ten_are_sustained_and_eight_are_not() -> None:
    assert stretch(np.arange(10) > 0, 10) == (0, 9)
    assert stretch(np.arange(10) > 1, 10) is None


def test_a_bus_in_town_is_seen_by_the_heart_at_rest() -> None:
    speed = np.full(900, 6.0)
    assert "at most 96 bpm, which is very light" in flags(moving(speed, heart_rate_bpm=75.0))["vehicle"].reason
    assert flags(moving(speed, heart_rate_bpm=170.0)) == {}


def test_a_ride_is_a_drive_on_the_level_and_not_in_a_descent() -> None:
    # 22.22 m/s: over five minutes the limit is 4000 m / 220.73 s * 1.1 = 19.93 m/s; over one it is 24.84 m/s.
    speed = np.full(600, 22.22)
    flag = flags(moving(speed, cadence_rpm=0.0), "cycling")["vehicle"]
    assert "the limit is 71.8 km/h" in flag.reason
    assert "the legs stood still" in flag.reason
    assert flags(moving(speed, rise_m_s=-1.5), "cycling") == {}
    assert flags(moving(speed, rise_m_s=None), "cycling") == {}  # nobody knows that it was level
    assert "vehicle" in flags(moving(np.full(600, 30.0), rise_m_s=None), "cycling")


@pytest.mark.parametrize(("sport", "speed_m_s"), [("skiing", 25.0), ("other", 80.0), ("cross_country_skiing", 20.0)])
def test_a_descent_on_skis_and_a_flight_are_not_flagged(sport: str, speed_m_s: float) -> None:
    assert flags(moving(np.full(1200, speed_m_s), rise_m_s=-2.0, heart_rate_bpm=80.0), sport) == {}
