"""Attackers look for a home behind a privacy zone, and what holds of every zone and track.

The table of docs/privacy.md is made and held by:
.venv/bin/python -m pytest -q -s tests/property/domain/test_privacy_zones.py -k attackers
"""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from domain.distance import EARTH_RADIUS_M, haversine_m
from domain.privacy_zones import RADII_M, HiddenCircle, PrivacyZone, Radius, extra_m, hidden_circle, hide, shown_part
from domain.track import CHANNELS, Track, track_from_columns

Floats = NDArray[np.float64]
Town = Literal["grid", "radial", "star"]

S: Final = 1_000_000
KEY: Final = b"a key of the tests, not of people"
HOMES: Final = 100
TRACKS: Final = 100
SAMPLES_A_BLOCK: Final = 10
HEADING_SAMPLES: Final = 8
GPS_NOISE_M: Final = 2.0
# Somewhere on Earth where a degree of longitude is half of one of latitude.
HOME_DEG: Final = (60.0, 10.0)


def walks(town: Town, blocks: int, rng: np.random.Generator) -> Floats:
    """Tracks that leave the home at (0, 0) along streets: (tracks, samples, 2) in metres east and north.

    Every track takes a way of its own: at each crossing on along one of two directions, with odds of the track.
    ``grid``: blocks of 100 m × 80 m. ``radial``: 24 straight streets out of a centre that is 600 to 1,500 m away, and
    rings every 100 m. The home is on a random spot of a street. ``star``: twelve straight streets that meet at the
    home.
    """
    along_first = rng.random((TRACKS, blocks)) < rng.uniform(0.1, 0.9, (TRACKS, 1))
    if town == "star":
        along_first[:] = True
    sign = rng.choice((-1.0, 1.0), (TRACKS, 1, 2))
    steps = np.where(along_first[..., None], (1.0, 0.0), (0.0, 1.0)) * sign
    # The home's street is along the first axis: the way to its next crossing comes first.
    spot = 0.0 if town == "star" else rng.random()
    first = np.where(sign[..., 0] > 0, 1.0 - spot, -spot)
    nodes = np.concatenate((np.zeros((TRACKS, 1, 2)), np.zeros((TRACKS, 1, 2)), np.cumsum(steps, axis=1)), axis=1)
    nodes[:, 1:, 0] += first
    share = (np.arange(SAMPLES_A_BLOCK) / SAMPLES_A_BLOCK)[:, None]
    legs = nodes[:, :-1, None] + share * (nodes[:, 1:, None] - nodes[:, :-1, None])
    route = legs.reshape(TRACKS, -1, 2)
    if town == "grid":
        turn = rng.uniform(0, math.pi)
        metres = route * (100.0, 80.0) @ np.array(((math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))))
    elif town == "radial":
        metres = _on_rings(route, float(rng.uniform(600, 1500)), float(rng.uniform(0, 2 * math.pi)), rng.random() < 0.5)
    else:
        street = rng.integers(0, 12, (TRACKS, 1)) * math.pi / 6
        metres = (np.abs(route[..., 0]) * 100.0)[..., None] * np.stack((np.cos(street), np.sin(street)), axis=-1)
    noisy: Floats = metres + rng.normal(0, GPS_NOISE_M, metres.shape)
    return noisy


def _on_rings(route: Floats, from_centre_m: float, angle: float, home_on_ring: bool) -> Floats:
    out, around = (route[..., 1], route[..., 0]) if home_on_ring else (route[..., 0], route[..., 1])
    distance_m, bearing = from_centre_m + 100.0 * out, angle + around * 2 * math.pi / 24
    places = np.stack((distance_m * np.cos(bearing), distance_m * np.sin(bearing)), axis=-1)
    from_home: Floats = places - from_centre_m * np.array((math.cos(angle), math.sin(angle)))
    return from_home


def degrees(metres: Floats) -> tuple[Floats, Floats]:
    """Metres east and north of the home as latitude and longitude."""
    latitude = HOME_DEG[0] + np.degrees(metres[..., 1] / EARTH_RADIUS_M)
    longitude = HOME_DEG[1] + np.degrees(metres[..., 0] / EARTH_RADIUS_M) / math.cos(math.radians(HOME_DEG[0]))
    return latitude, longitude


def zone_of(town: Town, radius_m: Radius, seed: int) -> HiddenCircle:
    return hidden_circle(PrivacyZone(f"{town} {seed}", *HOME_DEG, radius_m), KEY)


def around_the_home_itself(town: Town, radius_m: Radius, seed: int) -> HiddenCircle:
    """A zone as it is often built: the home is its centre."""
    return replace(zone_of(town, radius_m, seed), latitude_deg=HOME_DEG[0], longitude_deg=HOME_DEG[1])


def clipped(town: Town, circle: HiddenCircle, seed: int) -> tuple[Floats, Floats]:
    """What an attacker has of one home: the first shown position of each track, (n, 2), and its heading, (n, 2)."""
    long_enough = round(circle.radius_m) // 10  # to leave the circle
    ends, headings = [], []
    for number, metres in enumerate(walks(town, long_enough, np.random.default_rng(seed))):
        shown = hide(*degrees(metres), [circle], f"{seed} {number}")
        first = int(shown.argmax())
        if shown[first] and first + HEADING_SAMPLES < len(metres):
            ends.append(metres[first])
            ahead = metres[first + HEADING_SAMPLES // 2 : first + HEADING_SAMPLES].mean(axis=0)
            behind = metres[first : first + HEADING_SAMPLES // 2].mean(axis=0)
            headings.append(ahead - behind)
    heading = np.array(headings)
    return np.array(ends), heading / np.linalg.norm(heading, axis=1, keepdims=True)


def mean_of_ends(ends: Floats, heading: Floats) -> Floats:
    centre: Floats = ends.mean(axis=0)
    return centre


def circle_fit(ends: Floats, heading: Floats) -> Floats:
    """Least squares of x² + y² = 2 a x + 2 b y + c: the centre of the circle that the ends lie on."""
    left = np.column_stack((2 * ends, np.ones(len(ends))))
    solution: Floats = np.linalg.lstsq(left, (ends**2).sum(axis=1), rcond=None)[0]
    return solution[:2]


def circle_and_mean(ends: Floats, heading: Floats) -> Floats:
    """Of whoever knows how zones are made: tracks that leave a place within a circle in all directions alike end, in
    the mean, about halfway between that place and the centre.
    """
    return 2 * mean_of_ends(ends, heading) - circle_fit(ends, heading)


def crossings(ends: Floats, heading: Floats) -> Floats:
    """Where the lines of two headings meet, of every two that are not nearly parallel: (m, 2)."""
    a, b = np.triu_indices(len(ends), 1)
    cross = heading[a, 0] * heading[b, 1] - heading[a, 1] * heading[b, 0]
    a, b, cross = a[np.abs(cross) > 0.2], b[np.abs(cross) > 0.2], cross[np.abs(cross) > 0.2]
    between = ends[b] - ends[a]
    along = (between[:, 0] * heading[b, 1] - between[:, 1] * heading[b, 0]) / cross
    meeting: Floats = ends[a] + along[:, None] * heading[a]
    return meeting


def middle_of_crossings(ends: Floats, heading: Floats) -> Floats:
    middle: Floats = np.median(crossings(ends, heading), axis=0)
    return middle


def most_crossed(ends: Floats, heading: Floats) -> Floats:
    """The middle of the 40 m square in which most lines of headings meet."""
    return _densest(crossings(ends, heading))


def densest_ends(ends: Floats, heading: Floats) -> Floats:
    """The middle of the 40 m square in which most tracks end."""
    return _densest(ends)


def _densest(points: Floats, cell_m: float = 40.0) -> Floats:
    cells, counts = np.unique(np.round(points / cell_m), axis=0, return_counts=True)
    densest: Floats = cells[counts.argmax()] * cell_m
    return densest


ATTACKERS: Final[tuple[Callable[[Floats, Floats], Floats], ...]] = (
    mean_of_ends,
    circle_fit,
    circle_and_mean,
    middle_of_crossings,
    most_crossed,
    densest_ends,
)


def errors_m(
    town: Town, radius_m: Radius, circle_of: Callable[[Town, Radius, int], HiddenCircle] = zone_of
) -> dict[str, Floats]:
    """How far from the home each attacker ends up, in metres, home by home; also printed."""
    seen = [clipped(town, circle_of(town, radius_m, seed), seed) for seed in range(HOMES)]
    print(f"\n{town}, {radius_m} m, {circle_of.__name__}, seeds 0 to {HOMES - 1}, {TRACKS} tracks each")
    found = {}
    for attack in ATTACKERS:
        error = np.array([np.linalg.norm(attack(*of_home)) for of_home in seen])
        found[attack.__name__] = error
        least, tenth, median = np.percentile(error, (0, 10, 50))
        print(f"  {attack.__name__:20} nearest {least:5.0f}   1 in 10 within {tenth:5.0f}   half within {median:5.0f}")
    return found


def stated(town: Town, radius_m: Radius) -> dict[str, list[float]]:
    """The cells of the page's table: metres of one home in ten and of half of them, by attacker."""
    page = (Path(__file__).parents[3] / "docs" / "privacy.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    header = next(row for row in rows if row[0] == "attacker")
    column = header.index(f"{town} {radius_m} m")
    names = {attack.__name__.replace("_", " "): attack.__name__ for attack in ATTACKERS}
    return {names[row[0]]: [float(metres) for metres in row[column].split("/")] for row in rows if row[0] in names}


@pytest.mark.slow
@pytest.mark.parametrize("radius_m", RADII_M)
@pytest.mark.parametrize("town", ["grid", "radial"])
def test_attackers_stay_as_far_from_the_home_as_the_page_states(town: Town, radius_m: Radius) -> None:
    errors = errors_m(town, radius_m)
    assert {name: np.percentile(error, (10, 50)).round().tolist() for name, error in errors.items()} == {
        name: pytest.approx(metres, abs=1) for name, metres in stated(town, radius_m).items()
    }
    assert errors["circle_fit"].min() >= 0.3 * radius_m
    for name, error in errors.items():
        assert np.percentile(error, 10) >= 0.075 * radius_m, name


@pytest.mark.slow
def test_attackers_find_a_home_that_is_the_centre_of_its_circle() -> None:
    errors = errors_m("grid", 400, around_the_home_itself)
    assert np.median(errors["circle_fit"]) == pytest.approx(9, abs=1)


@pytest.mark.slow
def test_attackers_find_a_home_where_all_streets_lead_to_it() -> None:
    errors = errors_m("star", 400)
    assert np.median(errors["middle_of_crossings"]) == pytest.approx(3, abs=1)


latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)
zones = st.builds(PrivacyZone, st.text(max_size=20), latitudes, longitudes, st.sampled_from(RADII_M))
shares = st.floats(0, 1)


def _from_m(latitude_deg: float, longitude_deg: float, circle: HiddenCircle) -> float:
    pair = np.array([latitude_deg, circle.latitude_deg]), np.array([longitude_deg, circle.longitude_deg])
    return float(haversine_m(*pair)[0])


@given(zones)
def test_a_home_is_inside_of_its_circle_away_from_the_centre_and_from_the_edge(zone: PrivacyZone) -> None:
    circle = hidden_circle(zone, KEY)
    displaced_m = _from_m(zone.latitude_deg, zone.longitude_deg, circle)
    assert 0.35 * zone.radius_m - 0.01 <= displaced_m <= 0.75 * zone.radius_m + 0.01
    assert abs(circle.latitude_deg) <= 90
    assert -180 <= circle.longitude_deg < 180


@given(zones, st.text(max_size=20), shares, shares)
def test_what_is_hidden_is_the_disc_of_the_radius_and_the_workouts_extra(
    zone: PrivacyZone, workout_id: str, bearing: float, distance: float
) -> None:
    circle = hidden_circle(zone, KEY)
    extra = extra_m(circle, workout_id)
    assert 0 <= extra < zone.radius_m / 2
    spot = _spot(circle, 2 * math.pi * bearing, 2.0 * circle.radius_m * distance)
    beyond_m = _from_m(*spot, circle) - circle.radius_m - extra
    if abs(beyond_m) > 0.01:
        assert hide(np.array([spot[0]]), np.array([spot[1]]), [circle], workout_id).tolist() == [beyond_m > 0]


def _spot(circle: HiddenCircle, bearing: float, distance_m: float) -> tuple[float, float]:
    """The place in metres from a centre, by vectors."""
    phi, lam = math.radians(circle.latitude_deg), math.radians(circle.longitude_deg)
    up = np.array((math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)))
    east = np.array((-math.sin(lam), math.cos(lam), 0.0))
    north = np.cross(up, east)
    angle = distance_m / EARTH_RADIUS_M
    there = math.cos(angle) * up + math.sin(angle) * (math.cos(bearing) * north + math.sin(bearing) * east)
    return math.degrees(math.atan2(there[2], math.hypot(there[0], there[1]))), math.degrees(
        math.atan2(there[1], there[0])
    )


# Some 2 km around the home, with places that are unknown or nowhere.
offsets = st.floats(-0.02, 0.02) | st.sampled_from([math.nan, math.inf, 200.0])
positions = st.lists(st.tuples(offsets, offsets), max_size=40)


@given(positions, st.lists(st.integers(0, 40), max_size=4), st.integers(0, 50))
def test_live_positions_are_shown_just_as_the_whole_track_will_be(
    around: list[tuple[float, float]], cuts: list[int], seed: int
) -> None:
    latitude = np.array([HOME_DEG[0] + north for north, _ in around])
    longitude = np.array([HOME_DEG[1] + east for _, east in around])
    circles = [zone_of("grid", 400, seed), zone_of("radial", 800, seed)]
    whole = hide(latitude, longitude, circles, "w")
    edges = [0, *sorted(min(cut, len(around)) for cut in cuts), len(around)]
    frames = [hide(latitude[a:b], longitude[a:b], circles, "w") for a, b in pairwise(edges)]
    live = np.concatenate(frames)
    positioned = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
    assert live[positioned].tolist() == whole[positioned].tolist()
    one_by_one = [bool(hide(latitude[i : i + 1], longitude[i : i + 1], circles, "w")[0]) for i in range(len(around))]
    assert np.array(one_by_one)[positioned].tolist() == whole[positioned].tolist()
    assert not np.array(one_by_one, dtype=bool)[~positioned].any()


@given(positions, st.integers(0, 50))
def test_samples_without_a_position_are_shown_between_shown_ones_only(
    around: list[tuple[float, float]], seed: int
) -> None:
    latitude = np.array([HOME_DEG[0] + north for north, _ in around])
    longitude = np.array([HOME_DEG[1] + east for _, east in around])
    shown = hide(latitude, longitude, [zone_of("grid", 400, seed)], "w").tolist()
    positioned = ((np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)).tolist()
    for row in range(len(shown)):
        if not positioned[row]:
            before = [shown[i] for i in range(row) if positioned[i]]
            after = [shown[i] for i in range(row + 1, len(shown)) if positioned[i]]
            assert shown[row] == (bool(before) and before[-1] and bool(after) and after[0])


@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
def test_no_figure_of_the_shown_part_depends_on_what_is_hidden(seed: int, n: int) -> None:
    """Two workouts that differ only where they are hidden, in place, length, climb and heart rate, look the same."""
    rng = np.random.default_rng(seed)
    shown = np.repeat(rng.random(n) < 0.6, rng.integers(1, 5, n))
    rows = len(shown)
    steps_m = rng.uniform(0, 5, rows)
    hidden_step = ~shown | np.concatenate(([True], ~shown[:-1]))
    channels = {name: rng.uniform(1, 50, rows) for name in ("latitude_deg", "longitude_deg", "altitude_m", "power_w")}

    def part(longer: float) -> tuple[Track, list[tuple[int, int]]]:
        counter = 100.0 * longer + np.cumsum(np.where(hidden_step, steps_m * longer, steps_m))
        other = {name: np.where(shown, column, column * longer / 2) for name, column in channels.items()}
        time_us = np.arange(rows, dtype=np.int64) * S
        return shown_part(track_from_columns(time_us, distance_m=counter, **other), shown)

    one, other = part(1.0), part(1.5)
    assert one[1] == other[1]
    assert len(one[0]) == shown.sum()
    for name in CHANNELS:
        left, right = getattr(one[0], name), getattr(other[0], name)
        assert left.tolist() == pytest.approx(right.tolist(), nan_ok=True, abs=1e-6), name
