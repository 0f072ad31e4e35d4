"""Time in zones, best efforts."""

from typing import Any

import numpy as np
import pytest

from domain.athlete import Athlete
from domain.efforts import fastest, highest_mean
from domain.zones import HR_MAX_EDGES, Zones, ZoneSetting, time_in_zones_s, zone_setting_at, zones_of


def test_time_in_zones_counts_each_second_once() -> None:
    heart_rate = np.array([90.0, 115, 130, 150, 170, 190, np.nan])  # of a maximum of 190: 0.47 .61 .68 .79 .89 1.0
    held_s = np.array([10.0, 1, 2, 3, 4, 5, 100])
    assert time_in_zones_s(heart_rate, held_s, 190, HR_MAX_EDGES) == (10.0, 3.0, 3.0, 4.0, 5.0)


def test_a_value_on_an_edge_is_in_the_upper_zone() -> None:
    assert time_in_zones_s(np.array([120.0]), np.array([1.0]), 200, HR_MAX_EDGES) == (0.0, 1.0, 0.0, 0.0, 0.0)


def setting(id: str, time_us: int, sport: Any, *bounds: float, basis: Any = "heart_rate_max") -> ZoneSetting:
    return ZoneSetting(id, time_us, sport, basis, bounds)


def test_what_is_set_for_a_family_comes_before_what_is_set_for_all() -> None:
    settings = [setting("b", 20, "all", 0.7), setting("a", 10, "running", 0.8)]
    for given in (settings, settings[::-1]):
        assert zone_setting_at(given, "trail_running", 30) == settings[1]
        assert zone_setting_at(given, "cycling", 30) == settings[0]
        assert zone_setting_at(given, "cycling", 19) is None
        assert zone_setting_at(given, "running", 9) is None


def test_the_latest_setting_counts_and_an_empty_one_takes_it_back() -> None:
    settings = [setting("a", 10, "running", 0.8), setting("b", 20, "running"), setting("c", 5, "all", 0.6)]
    assert zone_setting_at(settings, "running", 15) == settings[0]
    assert zone_setting_at(settings, "running", 20) == settings[2]
    assert zone_setting_at([settings[0], settings[1]], "running", 20) is None
    same = [setting("a", 10, "running", 0.8), setting("b", 10, "running", 0.7)]
    assert zone_setting_at(same, "running", 10) == same[1], "of one time the greater id"


def in_zones(sport: str, athlete: Athlete, own: ZoneSetting | None, **channels: float) -> Zones:
    columns = {name: np.full(10, channels.get(name, np.nan)) for name in ("heart_rate_bpm", "power_w", "speed_m_s")}
    return zones_of(**columns, held_s=np.ones(10), sport=sport, athlete=athlete, year=2026, setting=own)


def test_the_athletes_own_zones_may_be_any_number_and_the_summary_says_whose_they_are() -> None:
    own = setting("e", 0, "cycling", 0.6, 0.9, basis="power")
    athlete = Athlete(ftp_w=250.0, hr_max_bpm=190.0)
    got = in_zones("cycling", athlete, own, power_w=200.0, heart_rate_bpm=150.0)
    assert got == ("power", (0.0, 10.0, 0.0), (150.0, 225.0), "e")
    standard = in_zones("cycling", athlete, None, power_w=200.0, heart_rate_bpm=150.0)
    assert (standard.basis, len(standard.seconds), standard.set_by) == ("heart_rate_max", 5, None)
    assert standard.upper_bounds == (114.0, 133.0, 152.0, 171.0)


@pytest.mark.parametrize(
    ("sport", "basis", "athlete"),
    [
        ("cycling", "power", Athlete()),  # nobody knows the threshold
        ("running", "power", Athlete(ftp_w=250.0)),  # a threshold of another sport
        ("cycling", "pace", Athlete(threshold_speed_m_s=4.0)),
        ("running", "heart_rate_threshold", Athlete()),
    ],
)
def test_zones_that_cannot_be_applied_give_way_to_the_standard_ones(sport: str, basis: str, athlete: Athlete) -> None:
    got = in_zones(sport, athlete, setting("e", 0, "all", 0.5, basis=basis), heart_rate_bpm=150.0, power_w=200.0)
    assert (got.basis, len(got.seconds), got.set_by) == ("heart_rate_max", 5, None)


def test_even_pace_gives_even_times() -> None:
    metres = np.arange(3601.0) * 3.0
    got = fastest(metres, [400.0, 1000.0, 5000.0, 42195.0])
    assert [effort and effort[0] for effort in got] == [
        pytest.approx(400 / 3),
        pytest.approx(1000 / 3),
        pytest.approx(5000 / 3),
        None,
    ]


def test_the_fastest_kilometre_is_where_it_was_run() -> None:
    speed = np.full(3600, 3.0)
    speed[1000:1250] = 4.0  # exactly 1 km
    metres = np.concatenate(([0.0], np.cumsum(speed)))
    kilometre, five = fastest(metres, [1000.0, 5000.0])
    assert kilometre == pytest.approx((250.0, 1000.0))
    assert five is not None
    assert five[0] == pytest.approx(250 + 4000 / 3)


def test_a_pause_does_not_stop_the_clock() -> None:
    speed = np.concatenate((np.full(100, 4.0), np.zeros(60), np.full(100, 4.0)))
    (half,) = fastest(np.concatenate(([0.0], np.cumsum(speed))), [600.0])
    assert half is not None
    assert half[0] == pytest.approx(210.0)


def test_the_highest_minute_of_power() -> None:
    power = np.full(600, 150.0)
    power[200:260] = 350.0
    assert highest_mean(power, [60, 120, 601]) == [(350.0, 200), (250.0, 140), None]
