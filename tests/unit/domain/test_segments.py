"""Which tracks pass a segment, and when: drawn roads and tracks without errors."""

import numpy as np
import pytest

from domain.distance import EARTH_RADIUS_M
from domain.privacy_zones import PrivacyZone, extra_m, hidden_circle
from domain.segment_efforts import is_hidden
from domain.segments import match, segment_of
from tests.roads import BLOCK, LOLLIPOP, START_US, STREET, Floats, S, ran, seconds, segment


def test_a_pass_is_timed_from_gate_to_gate() -> None:
    # 5 m/s from x = -102 m: the start at 102/5 = 20.4 s, the finish at 1102/5 = 220.4 s, both between two fixes.
    (effort,) = match(*ran((-102, 0), (1100, 0)), STREET)
    assert effort.start_us - START_US == pytest.approx(20.4 * S, abs=1000)
    assert effort.end_us - START_US == pytest.approx(220.4 * S, abs=1000)
    assert effort.elapsed_s == pytest.approx(200.0, abs=0.002)
    assert effort.covered == 1.0


def test_the_reverse_direction_is_not_an_effort() -> None:
    assert match(*ran((1100, 0), (-100, 0)), STREET) == []


def test_a_partial_pass_is_not_an_effort() -> None:
    assert match(*ran((-100, 0), (900, 0)), STREET) == []
    assert match(*ran((100, 0), (1100, 0)), STREET) == []


def test_two_halves_on_two_ways_are_not_a_pass() -> None:
    assert match(*ran((-100, 0), (500, 0), (500, 400), (480, 400), (480, 0), (1100, 0)), STREET) == []


def test_a_shortcut_that_leaves_the_corridor_is_not_an_effort() -> None:
    bend = segment((0, 0), (500, 0), (500, 500), (1000, 500))
    assert len(match(*ran((-50, 0), (500, 0), (500, 500), (1050, 500)), bend)) == 1
    assert match(*ran((-50, 0), (300, 0), (500, 200), (500, 500), (1050, 500)), bend) == []


def test_a_short_miss_is_forgiven_and_stated() -> None:
    # 40 m aside for 60 m: of the 101 points of the line, that at x = 430 is 30 m from either way out.
    (effort,) = match(*ran((-50, 0), (400, 0), (400, 40), (460, 40), (460, 0), (1050, 0)), STREET)
    assert effort.covered == pytest.approx(100 / 101)


def test_a_parallel_street_is_not_the_segment() -> None:
    assert match(*ran((-50, 60), (1050, 60)), STREET) == []


def test_cutting_across_a_winding_segment_is_not_a_pass() -> None:
    winding = [(15.0 * i, 22.0 * (i % 2)) for i in range(31)]  # never more than 22 m from the straight way, 799 m long
    zigzag = segment(*winding, every_m=1.0)
    assert len(match(*ran((-15, -22), *winding, (465, -22)), zigzag)) == 1
    assert match(*ran((-50, 0), (500, 0)), zigzag) == []


def test_every_lap_of_a_loop_is_an_effort() -> None:
    loop = segment(*BLOCK)
    track = ran((-100, 0), *(BLOCK[:-1] * 3), (0, 0), (100, 0))
    efforts = match(*track, loop)
    assert seconds(efforts) == pytest.approx([240.0] * 3, abs=0.01)  # 1,200 m at 5 m/s
    assert [one.end_us for one in efforts[:-1]] == [one.start_us for one in efforts[1:]]


def test_a_loop_the_other_way_round_is_not_an_effort() -> None:
    assert match(*ran((100, 0), *(BLOCK[::-1][:-1] * 4), (0, 0), (-100, 0)), segment(*BLOCK)) == []


def test_laps_the_other_way_round_between_two_gates_are_no_slow_effort() -> None:
    turned = ran((-100, 0), (20, 0), *(BLOCK[::-1] * 20), (-20, 0), (100, 0))
    assert match(*turned, segment(*BLOCK)) == []


def test_the_finish_is_crossed_in_its_direction() -> None:
    assert match(*ran((-50, 0), (980, 0), (980, 30), (1020, 30), (1020, 0), (900, 0)), STREET) == []


def test_half_a_loop_is_not_an_effort() -> None:
    assert match(*ran((-100, 0), (200, 0), (200, 200), (0, 200)), segment(*BLOCK)) == []


def test_two_laps_as_one_segment_take_two_laps() -> None:
    twice = segment(*BLOCK[:-1], *BLOCK)
    assert match(*ran((-100, 0), *BLOCK, (100, 0)), twice) == []
    assert seconds(match(*ran((-100, 0), *BLOCK[:-1], *BLOCK, (100, 0)), twice)) == pytest.approx([480.0], abs=0.01)


def test_an_out_and_back_is_one_effort_and_its_turn_is_in_it() -> None:
    assert seconds(match(*ran((-50, 0), (600, 0), (-50, 0)), LOLLIPOP)) == pytest.approx([240.0], abs=0.01)


def test_turning_early_on_an_out_and_back_is_not_an_effort() -> None:
    assert match(*ran((-50, 0), (450, 0), (-50, 0)), LOLLIPOP) == []


def test_hill_repeats_count_the_ways_up() -> None:
    track = ran((-50, 0), (1050, 0), (-50, 0), (1050, 0), (-50, 0), (500, 0), (-50, 0), (1050, 0))
    assert seconds(match(*track, STREET)) == pytest.approx([200.0] * 3, abs=0.01)


def test_switchbacks_closer_than_the_corridor_are_followed() -> None:
    bends = [(300.0 * ((i + 1) // 2 % 2), 20.0 * (i // 2)) for i in range(10)]  # five ramps of 300 m, 20 m apart
    (effort,) = match(*ran((-50, 0), *bends, (350, 80)), segment(*bends))
    assert effort.elapsed_s == pytest.approx((5 * 300 + 4 * 20) / 5, abs=0.5)


def test_a_stop_within_the_segment_counts() -> None:
    time_us, latitude, longitude = ran((-50, 0), (1050, 0))
    time_us = time_us.copy()
    time_us[100:] += 90 * S  # auto-pause: nothing is stored while the athlete stands
    assert seconds(match(time_us, latitude, longitude, STREET)) == pytest.approx([290.0], abs=0.01)


def test_who_waits_behind_the_start_is_timed_from_leaving_it() -> None:
    # Fixes at x = -2 and 3 m, 120 s apart: it stood at -2 until 1 s before, and crosses 2/5 of the way in that second.
    time_us, latitude, longitude = ran((-52, 0), (1048, 0))
    time_us = time_us.copy()
    time_us[11:] += 119 * S
    (effort,) = match(time_us, latitude, longitude, STREET)
    assert effort.start_us - int(time_us[11]) == pytest.approx(-0.6 * S, abs=1000)
    assert effort.elapsed_s == pytest.approx(200.0, abs=0.01)


@pytest.mark.parametrize(("lost_s", "efforts"), [(10, 1), (29, 1), (60, 0)])
def test_a_dropout_of_seconds_is_bridged_and_a_long_one_is_not(lost_s: int, efforts: int) -> None:
    time_us, latitude, longitude = ran((-50, 0), (1050, 0))
    longitude = longitude.copy()
    longitude[100 : 100 + lost_s] = np.nan
    assert len(match(time_us, latitude, longitude, STREET)) == efforts


def test_a_gate_within_a_long_dropout_has_no_time() -> None:
    time_us, latitude, longitude = ran((-50, 0), (1050, 0))
    kept = (np.arange(len(time_us)) < 8) | (np.arange(len(time_us)) > 40)
    assert match(time_us[kept], latitude[kept], longitude[kept], STREET) == []


def test_smart_recording_is_no_hindrance() -> None:
    assert seconds(match(*ran((-56, 0), (1050, 0), every_s=7), STREET)) == pytest.approx([200.0], abs=0.01)


def test_single_wild_fixes_are_passed_over() -> None:
    time_us, latitude, longitude = ran((-50, 0), (1050, 0))
    latitude = latitude.copy()
    latitude[[10, 120]] += 0.5  # 55 km to the north; the first at the start gate
    assert seconds(match(time_us, latitude, longitude, STREET)) == pytest.approx([200.0], abs=0.01)


def test_a_track_without_positions_or_samples_has_no_effort() -> None:
    unknown = np.full(5, np.nan)
    assert match(START_US + np.arange(5) * S, unknown, unknown, STREET) == []
    assert match(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0), STREET) == []
    time_us, latitude, longitude = ran((0, 0), (10, 0))
    assert match(time_us[:1], latitude[:1], longitude[:1], STREET) == []


def test_the_date_line_is_no_edge() -> None:
    latitude = np.zeros(120)
    longitude: Floats = (
        np.mod(179.995 + np.arange(120) * 1e-4 + 180, 360) - 180
    )  # 11.1 m a step, over the line after 50
    line = segment_of("fiji", "Fiji", "rowing", latitude[10:110].tolist(), longitude[10:110].tolist())
    assert line.length_m == pytest.approx(99 * 11.12, rel=1e-3)
    assert seconds(match(START_US + np.arange(120) * 2 * S, latitude, longitude, line)) == pytest.approx(
        [198.0], abs=0.1
    )


@pytest.mark.parametrize(("beside_m", "hidden"), [(-100, True), (-1, True), (20, True), (40, False), (400, False)])
def test_a_line_in_what_a_zone_hides_or_within_half_a_corridor_of_it_hides_its_efforts(
    beside_m: float, hidden: bool
) -> None:
    circle = hidden_circle(PrivacyZone("home", 60.0, 10.0, 400), b"k" * 32)
    north = circle.latitude_deg + np.degrees((circle.radius_m + extra_m(circle, "w") + beside_m) / EARTH_RADIUS_M)
    longitudes = circle.longitude_deg + np.linspace(-0.004, 0.004, 41)
    line = segment_of("hill", "Hill", "running", [north] * 41, longitudes.tolist())
    assert is_hidden(line, [circle], "w") == hidden
    assert not is_hidden(line, [], "w")
