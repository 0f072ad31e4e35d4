"""Passes of segments on drawn roads, on simulated noisy tracks and on real recordings."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.distance import EARTH_RADIUS_M, haversine_m
from domain.segment_index import SegmentIndex
from domain.segments import Effort, Segment, match, segment_of
from domain.sports import Family
from recordings import RecordingError, read_recording
from recordings.segment_file import read_line

S = 1_000_000
START_US = 1_780_300_800 * S
RIDES = Path(os.environ.get("STRIDELOG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
SWEATPY = RIDES / "activities" / "sweatpy_mit"
Floats = NDArray[np.float64]


def on_map(x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
    """Latitudes and longitudes of metres east and north of 60° N, 10° E."""
    longitude = 10.0 + np.degrees(x_m / (EARTH_RADIUS_M * np.cos(np.radians(60.0))))
    return 60.0 + np.degrees(y_m / EARTH_RADIUS_M), longitude


def along(corners: Sequence[tuple[float, float]], spacing_m: float) -> tuple[Floats, Floats]:
    """Points every ``spacing_m`` along straight lines from corner to corner, in metres east and north."""
    x, y = np.array(corners, dtype=np.float64).T
    at = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))))
    points = np.arange(0.0, at[-1] + 1e-9, spacing_m)
    return np.interp(points, at, x), np.interp(points, at, y)


def segment(*corners: tuple[float, float], family: Family = "running", every_m: float = 20.0) -> Segment:
    """A segment with a drawn point every so many metres."""
    return segment_of("hill", "The hill", family, *(c.tolist() for c in on_map(*along(corners, every_m))))


Columns = tuple[NDArray[np.int64], Floats, Floats]


def ran(*corners: tuple[float, float], speed_m_s: float = 5.0, every_s: int = 1) -> Columns:
    """The track of somebody who runs from corner to corner without error."""
    latitude, longitude = on_map(*along(corners, speed_m_s * every_s))
    return START_US + np.arange(len(latitude)) * every_s * S, latitude, longitude


def seconds(efforts: list[Effort]) -> list[float]:
    return [effort.elapsed_s for effort in efforts]


STREET = segment((0, 0), (1000, 0))
BLOCK = ((0, 0), (200, 0), (200, 200), (-200, 200), (-200, 0), (0, 0))  # a loop of 1,200 m
LOLLIPOP = segment((0, 0), (600, 0), (0, 0))


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
    assert SegmentIndex([line]).candidates(latitude, longitude, "rowing") == [line]


@pytest.mark.parametrize(
    ("corners", "says"),
    [
        ([], "0 distinct points: give at least 2"),
        ([(0, 0)], "1 distinct points"),
        ([(0, 0), (0, 0)], "1 distinct points"),
        ([(0, 0), (200, 0)], "200 m long: make it longer, 300 m to 100 km"),
        ([(i * 990.0, 0.0) for i in range(105)], "make it shorter"),
        ([(0, 0), (500, 0), (2000, 0), (2500, 0)], "jumps 1500 m"),
    ],
)
def test_a_line_that_is_no_segment_is_refused(corners: list[tuple[float, float]], says: str) -> None:
    latitude, longitude = on_map(*np.array(corners, dtype=np.float64).reshape(-1, 2).T)
    with pytest.raises(ValueError, match=says):
        segment_of("7", "No segment", "running", latitude.tolist(), longitude.tolist())


def test_points_off_the_map_unpaired_ones_and_unknown_sports_are_refused() -> None:
    with pytest.raises(ValueError, match="point 2 is at nan"):
        segment_of("7", "Lost", "running", [60.0, np.nan], [10.0, 10.0])
    with pytest.raises(ValueError, match="point 1 is at 89"):
        segment_of("7", "Pole", "running", [89.0, 60.0], [10.0, 10.0])
    with pytest.raises(ValueError, match="2 latitudes and 1 longitudes"):
        segment_of("7", "Odd", "running", [60.0, 60.1], [10.0])
    with pytest.raises(ValueError, match="'jogging': give one of running"):
        segment_of("7", "Odd", "jogging", [60.0, 60.1], [10.0, 10.0])  # type: ignore[arg-type]


def test_a_segment_keeps_its_ends_and_length_and_has_even_points() -> None:
    line = segment((0, 0), (300, 0), (300, 400))
    latitude, longitude = on_map(np.array([0.0, 300.0]), np.array([0.0, 400.0]))
    assert (line.latitude_deg[0], line.longitude_deg[0]) == pytest.approx((latitude[0], longitude[0]))
    assert (line.latitude_deg[-1], line.longitude_deg[-1]) == pytest.approx((latitude[1], longitude[1]))
    assert line.length_m == pytest.approx(700.0, rel=1e-4)
    assert haversine_m(line.latitude_deg, line.longitude_deg) == pytest.approx(np.full(70, 10.0), rel=0.02)


def test_the_index_finds_what_is_near_in_the_sport_that_is_asked() -> None:
    near, ride = segment((0, 0), (1000, 0)), segment((0, 0), (1000, 0), family="cycling")
    ride = Segment("ride", ride.name, ride.family, ride.latitude_deg, ride.longitude_deg, ride.length_m)
    far = segment((90_000, 0), (91_000, 0))
    far = Segment("far", far.name, far.family, far.latitude_deg, far.longitude_deg, far.length_m)
    _, latitude, longitude = ran((-50, 0), (1050, 0))
    index = SegmentIndex([far, ride, near])
    assert index.candidates(latitude, longitude, "running") == [near]
    assert index.candidates(latitude, longitude, "cycling") == [ride]
    assert index.candidates(np.full(3, np.nan), np.full(3, np.nan), "running") == []
    assert SegmentIndex([]).candidates(latitude, longitude, "running") == []
    with pytest.raises(ValueError, match="segment hill is given twice"):
        SegmentIndex([near, near])


def noisy(seed: int, speed_m_s: float, *, smart: bool, waits: bool) -> tuple[Segment, Columns, float]:
    """A segment of 1 km on a winding road, a noisy track over it, and the true seconds from gate to gate.

    The speed swings by 15 %. The fixes err by 3 m (standard deviation on each axis) that wander with a time constant of
    20 s, as those of receivers do, and by 0.5 m from one to the next. 3 to 20 s are lost once.
    """
    random = np.random.default_rng(seed)
    turn = np.cumsum(random.normal(0, 0.02, 2200))
    turn -= np.linspace(0, turn[-1], 2200)
    road_x, road_y = (np.concatenate(([0.0], np.cumsum(step))) for step in (np.cos(turn), np.sin(turn)))
    start_m, finish_m = 600.0, 1600.0
    drawn = (column[600:1601:5] for column in (road_x, road_y))
    family: Family = "running" if speed_m_s < 6 else "cycling"
    line = segment_of("noisy", "Noisy", family, *(column.tolist() for column in on_map(*drawn)))

    speed = speed_m_s * (1 + 0.15 * np.sin(np.linspace(0, 20, 4000) + random.uniform(0, 6)))
    metres = random.uniform(0, speed_m_s) + np.cumsum(speed)
    if waits:  # 30 s three metres behind the line, then off
        metres = np.concatenate(
            (metres[metres < start_m - 3], np.full(30, start_m - 3), start_m - 3 + np.cumsum(speed))
        )
    metres = metres[metres < 2190]
    n = len(metres)
    second = np.arange(n)
    begin_s, end_s = np.interp([start_m, finish_m], metres + 1e-9 * second, second)

    # A fading sum of shocks; those of 200 s ago have faded to nothing.
    fading = np.exp(-np.arange(200) / 20)
    shocks = random.normal(0, 3 * np.sqrt(1 - fading[1] ** 2), (2, n + 199))
    wander = np.array([np.convolve(row, fading, mode="valid") for row in shocks])
    error_x, error_y = wander + random.normal(0, 0.5, (2, n))
    at = np.arange(2201.0)
    latitude, longitude = on_map(np.interp(metres, at, road_x) + error_x, np.interp(metres, at, road_y) + error_y)

    stored = np.ones(n, dtype=bool)
    if smart:
        stored = np.isin(second, np.cumsum(random.integers(2, 8, n)))
    lost = int(random.integers(5, n - 25))
    stored[lost : lost + int(random.integers(3, 21))] = False
    return line, (START_US + second[stored] * S, latitude[stored], longitude[stored]), float(end_s - begin_s)


@pytest.mark.parametrize(
    ("what", "speed_m_s", "smart", "waits", "bound_s"),
    [
        ("running, 3.5 m/s, every second", 3.5, False, False, 8.0),
        ("running, 3.5 m/s, smart recording", 3.5, True, False, 8.0),
        ("cycling, 9 m/s, every second", 9.0, False, False, 4.0),
        ("cycling, 9 m/s, smart recording", 9.0, True, False, 4.0),
        ("walking, 1.4 m/s, every second", 1.4, False, False, 20.0),
        ("running after 30 s of waiting 3 m behind the start", 3.5, False, True, 60.0),
    ],
)
def test_elapsed_time_on_noisy_tracks(what: str, speed_m_s: float, smart: bool, waits: bool, bound_s: float) -> None:
    errors: list[float] = []
    for seed in range(200):
        line, track, true_s = noisy(seed, speed_m_s, smart=smart, waits=waits)
        errors += [effort.elapsed_s - true_s for effort in match(*track, line)]
    size = np.abs(errors)
    print(f"\n{what}: {len(errors)} of 200 found, mean error {size.mean():.2f} s, worst {size.max():.2f} s, ", end="")
    print(f"bias {np.mean(errors):+.2f} s")
    assert 195 <= len(errors) <= 200
    assert size.max() < bound_s


def test_how_long_it_takes_is_printed() -> None:
    random = np.random.default_rng(0)
    spread = [
        segment((x, y), (x + 1000, y))
        for x, y in zip(*random.uniform(-100_000, 100_000, (2, 500)).tolist(), strict=True)
    ]
    many = [
        Segment(f"{i}", one.name, one.family, one.latitude_deg + shift, one.longitude_deg, one.length_m)
        for i, (one, shift) in enumerate((one, 0.01 * k) for k in range(20) for one in spread)
    ]
    begin = time.perf_counter()
    index = SegmentIndex(many)
    built = time.perf_counter()
    line, track, _ = noisy(1, 3.5, smart=False, waits=False)
    best = {
        "candidates": _best_s(lambda: index.candidates(track[1], track[2], "running")),
        "match, passed": _best_s(lambda: match(*track, line)),
        "match, elsewhere": _best_s(lambda: match(*track, many[0])),
    }
    found = index.candidates(track[1], track[2], "running")
    print(f"\n{len(many)} segments: index {1e3 * (built - begin):.0f} ms, {len(found)} candidates", end="; ")
    print(f"{len(track[0])} fixes", end=": ")
    print(", ".join(f"{name} {1e6 * taken:.0f} µs" for name, taken in best.items()))
    assert len(found) < len(many) / 50


def _best_s(run: Callable[[], object], times: int = 20) -> float:
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begin)
    return min(taken)


real_rides = pytest.mark.skipif(not SWEATPY.is_dir(), reason=f"no real recordings in {RIDES}: set STRIDELOG_TEST_DATA")


@real_rides
@pytest.mark.parametrize(
    ("fit", "others"),
    [
        (
            "sweat_examples_data_4801048867.fit",
            [
                "sweat_examples_data_4801048867_strava.gpx.gz",
                "sweat_examples_data_activity_4801048867.gpx.gz",
                "sweat_examples_data_activity_4801048867.tcx.gz",
            ],
        ),
        (
            "sweat_examples_data_4078723797.fit",
            ["sweat_examples_data_4078723797_strava.gpx.gz", "sweat_examples_data_activity_4078723797.gpx.gz"],
        ),
    ],
)
def test_stretches_of_a_real_ride_are_found_in_every_file_of_it(fit: str, others: list[str]) -> None:
    track, *copies = [read_recording(SWEATPY / name)[0].track for name in (fit, *others)]
    for first in range(50, len(track) - 350, 700):
        last = first + 299
        rows = slice(first, last + 1)
        line = segment_of(
            "s", "Stretch", "cycling", track.latitude_deg[rows].tolist(), track.longitude_deg[rows].tolist()
        )
        for copy in (track, *copies):
            (effort,) = match(copy.time_us, copy.latitude_deg, copy.longitude_deg, line)
            assert effort.start_us == pytest.approx(int(track.time_us[first]), abs=S)
            assert effort.elapsed_s == pytest.approx(299.0, abs=1.0)


@real_rides
def test_a_segment_in_another_town_is_rejected() -> None:
    track = read_recording(SWEATPY / "sweat_examples_data_4801048867.fit")[0].track
    assert match(track.time_us, track.latitude_deg, track.longitude_deg, STREET) == []
    assert SegmentIndex([STREET]).candidates(track.latitude_deg, track.longitude_deg, "running") == []


GPX = '<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="club">{}</gpx>'
POINTS = [(60.0, 10.0), (60.002, 10.0), (60.004, 10.001)]


def points(tag: str) -> str:
    return "".join(f'<{tag} lat="{latitude}" lon="{longitude}"/>' for latitude, longitude in POINTS)


@pytest.mark.parametrize(
    "line",
    [
        f"<rte><name>Hill</name>{points('rtept')}</rte>",
        f"<trk><name>Hill</name><trkseg>{points('trkpt')}</trkseg></trk>",
        f"<trk><name>Hill</name><trkseg>{points('trkpt')}</trkseg><trkseg/></trk><trk><trkseg/></trk>",
    ],
)
def test_a_drawn_route_and_a_track_without_times_make_a_segment(tmp_path: Path, line: str) -> None:
    file = tmp_path / "hill.gpx"
    file.write_text(GPX.format(line))
    drawn = read_line(file)
    assert drawn.name == "Hill"
    assert list(zip(drawn.latitude_deg, drawn.longitude_deg, strict=True)) == POINTS
    made = segment_of("hill", "Hill", "running", drawn.latitude_deg, drawn.longitude_deg)
    assert made.length_m == pytest.approx(222.39 + 229.27, rel=0.01)  # 0.002° north; the second goes 55.6 m east, too


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (GPX.format(""), "0 lines in it: export one route or one track alone"),
        (GPX.format(f"<rte>{points('rtept')}</rte>" * 2), "2 lines in it"),
        ("<kml/>", "<kml> and not GPX"),
        (GPX.format('<rte><rtept lat="north" lon="1"/></rte>'), "broken GPX"),
        ('<!DOCTYPE gpx [<!ENTITY a "b">]>' + GPX.format(""), "document type"),
        ("no XML", "broken XML"),
    ],
)
def test_a_file_without_one_line_is_refused(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "line.gpx"
    file.write_text(content)
    with pytest.raises(RecordingError, match=says):
        read_line(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none\.gpx: cannot be opened"):
        read_line(tmp_path / "none.gpx")
