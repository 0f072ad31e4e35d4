"""Which of many segments a track may have passed."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from domain.segment_index import SegmentIndex, around, cells_of, regions_of, start_regions
from domain.segments import Segment, match, segment_of
from tests.roads import noisy, ran, segment

NOWHERE = np.full(3, np.nan)


def test_the_index_finds_what_is_near_in_the_sport_that_is_asked() -> None:
    near, ride = segment((0, 0), (1000, 0)), segment((0, 0), (1000, 0), family="cycling")
    ride = Segment("ride", ride.name, ride.family, ride.latitude_deg, ride.longitude_deg, ride.length_m)
    far = segment((90_000, 0), (91_000, 0))
    far = Segment("far", far.name, far.family, far.latitude_deg, far.longitude_deg, far.length_m)
    _, latitude, longitude = ran((-50, 0), (1050, 0))
    index, cells = SegmentIndex([far, ride, near]), cells_of(latitude, longitude)
    assert index.candidates(cells, "running") == [near]
    assert index.candidates(cells, "cycling") == [ride]
    assert index.candidates(cells_of(NOWHERE, NOWHERE), "running") == []
    assert SegmentIndex([]).candidates(cells, "running") == []
    with pytest.raises(ValueError, match="segment hill is given twice"):
        SegmentIndex([near, near])


def test_a_track_over_the_date_line_is_found() -> None:
    latitude = np.zeros(120)
    longitude = np.mod(179.995 + np.arange(120) * 1e-4 + 180, 360) - 180
    line = segment_of("fiji", "Fiji", "rowing", latitude[10:110].tolist(), longitude[10:110].tolist())
    assert SegmentIndex([line]).candidates(cells_of(latitude, longitude), "rowing") == [line]
    assert start_regions(line) & regions_of(cells_of(latitude, longitude))


def test_cells_next_to_a_cell_are_more_in_the_north() -> None:
    south, north = (around(cells_of(np.array([latitude]), np.array([10.0]))) for latitude in (1.0, 70.0))
    assert len(south) == 3 * (2 * 2 + 1)
    assert len(north) == 3 * (2 * 3 + 1)
    assert len(cells_of(NOWHERE, NOWHERE)) == len(around(cells_of(NOWHERE, NOWHERE))) == 0


def test_whoever_passes_a_segment_was_in_one_of_its_regions() -> None:
    line, track, _ = noisy(1, 3.5, smart=False, waits=False)
    assert start_regions(line) & regions_of(cells_of(track[1], track[2]))
    assert not start_regions(segment((90_000, 0), (91_000, 0))) & regions_of(cells_of(track[1], track[2]))


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
        "candidates": _best_s(lambda: index.candidates(cells_of(track[1], track[2]), "running")),
        "match, passed": _best_s(lambda: match(*track, line)),
        "match, elsewhere": _best_s(lambda: match(*track, many[0])),
    }
    found = index.candidates(cells_of(track[1], track[2]), "running")
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
