"""Privacy zones: what is hidden, what is the same for ever, and what others get of a track."""

import math
from dataclasses import fields
from typing import Final, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.athlete import Athlete
from domain.distance import EARTH_RADIUS_M, haversine_m
from domain.privacy_zones import (
    HiddenCircle,
    PrivacyZone,
    Radius,
    extra_m,
    hidden_circle,
    hide,
    known_circle,
    shown_part,
    span_shown,
)
from domain.summary import Stated, summarise
from domain.track import Track, track_from_columns

Floats = NDArray[np.float64]

S: Final = 1_000_000
KEY: Final = bytes(range(32))
HOME: Final = PrivacyZone("home", 59.9, 10.7, 400)
NAN: Final = math.nan


def _north_m(metres: list[float], circle: HiddenCircle) -> tuple[Floats, Floats]:
    """Positions so many metres north of the centre of a circle; NaN is a sample without a position."""
    north = np.array(metres, dtype=np.float64)
    return circle.latitude_deg + np.degrees(north / EARTH_RADIUS_M), np.where(
        np.isnan(north), np.nan, circle.longitude_deg
    )


def _shown(metres: list[float], workout_id: str = "w") -> list[bool]:
    circle = hidden_circle(HOME, KEY)
    return cast(list[bool], hide(*_north_m(metres, circle), [circle], workout_id).tolist())


def _displacement_m(zone: PrivacyZone, key: bytes = KEY) -> tuple[float, float]:
    """Metres east and north from the home to the centre."""
    circle = hidden_circle(zone, key)
    scale = math.radians(1.0) * EARTH_RADIUS_M
    east = (circle.longitude_deg - zone.longitude_deg) * scale * math.cos(math.radians(zone.latitude_deg))
    return east, (circle.latitude_deg - zone.latitude_deg) * scale


def test_a_circle_and_its_extra_distances_are_the_same_in_every_version() -> None:
    # Another value here would be a second displacement of every zone there is: a release must never change it.
    circle = hidden_circle(HOME, KEY)
    assert (circle.latitude_deg, circle.longitude_deg) == pytest.approx((59.8974879557, 10.6996252871), abs=1e-9)
    assert extra_m(circle, "w") == pytest.approx(163.1342990, abs=1e-6)


def test_a_circle_is_known_again_by_its_centre_without_the_home() -> None:
    circle = hidden_circle(HOME, KEY)
    assert known_circle(HOME.zone_id, circle.latitude_deg, circle.longitude_deg, HOME.radius_m, KEY) == circle


def test_key_id_and_radius_each_give_another_displacement() -> None:
    drawn = [
        _displacement_m(HOME),
        _displacement_m(HOME, bytes(32)),
        _displacement_m(PrivacyZone("home 2", 59.9, 10.7, 400)),
        tuple(metres / 2 for metres in _displacement_m(PrivacyZone("home", 59.9, 10.7, 800))),
    ]
    for number, one in enumerate(drawn):
        for other in drawn[:number]:
            assert math.dist(one, other) > 1.0


def test_displacements_are_even_by_area_and_in_all_directions() -> None:
    drawn = np.array([_displacement_m(PrivacyZone(f"zone {i}", 59.9, 10.7, 400)) for i in range(4000)]) / 400
    # Even by area between 0.35 and 0.75: the square of the distance has the mean (0.35² + 0.75²) / 2 = 0.3425, and
    # the deviation (0.75² - 0.35²) / √12 = 0.127. Means of 4000 lie within five of their own deviations.
    assert (drawn**2).sum(axis=1).mean() == pytest.approx(0.3425, abs=5 * 0.127 / math.sqrt(4000))
    assert drawn.mean(axis=0) == pytest.approx([0.0, 0.0], abs=5 * math.sqrt(0.3425 / 2 / 4000))


def test_extra_distances_are_even_up_to_half_the_radius_and_differ_by_workout_and_zone() -> None:
    circle = hidden_circle(HOME, KEY)
    drawn = np.array([extra_m(circle, f"workout {i}") for i in range(2000)])
    assert drawn.min() >= 0
    assert drawn.max() < 200
    # Even from 0 to 200 m: mean 100, deviation 200 / √12 = 57.7.
    assert drawn.mean() == pytest.approx(100, abs=5 * 57.7 / math.sqrt(2000))
    assert len(set(drawn.tolist())) == 2000
    other = hidden_circle(PrivacyZone("work", 59.9, 10.7, 400), KEY)
    assert extra_m(other, "w") != extra_m(circle, "w")


def test_a_circle_tells_neither_the_home_nor_its_secret() -> None:
    circle = hidden_circle(HOME, KEY)
    assert {field.name for field in fields(circle)} == {"latitude_deg", "longitude_deg", "radius_m", "secret"}
    assert repr(circle.secret) not in repr(circle)
    assert circle.secret != KEY


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="has 8 bytes: give at least 32"):
        hidden_circle(HOME, b"password")


@pytest.mark.parametrize(("latitude", "longitude"), [(91.0, 0.0), (0.0, -181.0), (NAN, 0.0), (0.0, math.inf)])
def test_a_zone_that_is_nowhere_on_earth_is_refused(latitude: float, longitude: float) -> None:
    with pytest.raises(ValueError, match="privacy zone home is at"):
        PrivacyZone("home", latitude, longitude, 400)


def test_a_radius_that_is_not_offered_is_refused() -> None:
    with pytest.raises(ValueError, match="has a radius of 300 m: choose one of 400, 800, 1600"):
        PrivacyZone("home", 59.9, 10.7, cast(Radius, 300))


def test_the_extra_distance_of_the_workout_is_hidden_too() -> None:
    circle = hidden_circle(HOME, KEY)
    near, far = sorted(("a", "b"), key=lambda workout_id: extra_m(circle, workout_id))
    between_m = 400 + (extra_m(circle, near) + extra_m(circle, far)) / 2
    assert _shown([between_m], near) == [True]
    assert _shown([between_m], far) == [False]
    assert _shown([399.0], near) == _shown([399.0], far) == [False]


def test_a_track_that_passes_through_is_cut_in_the_middle() -> None:
    assert _shown([-700, -601, -100, 0, 300, 601, 700]) == [True, True, False, False, False, True, True]


def test_a_track_wholly_inside_shows_nothing() -> None:
    assert _shown([-300, 0, 300]) == [False, False, False]


def test_the_start_and_the_end_at_the_home_are_hidden() -> None:
    assert _shown([0, 200, 900, 2000, 900, 200, 0]) == [False, False, True, True, True, False, False]


def test_without_zones_everything_is_shown() -> None:
    assert hide(np.array([59.9, NAN]), np.array([10.7, NAN]), [], "w").tolist() == [True, True]


def test_all_zones_hide() -> None:
    home, work = hidden_circle(HOME, KEY), hidden_circle(PrivacyZone("work", 59.95, 10.7, 400), KEY)
    latitude = np.array([home.latitude_deg, work.latitude_deg, 59.7])
    longitude = np.array([home.longitude_deg, work.longitude_deg, 10.7])
    assert hide(latitude, longitude, [home, work], "w").tolist() == [False, False, True]
    assert hide(latitude, longitude, [work], "w").tolist() == [True, False, True]


def test_samples_without_a_position_are_hidden_next_to_hidden_ones_and_at_both_ends() -> None:
    assert _shown([NAN, 900, NAN, 900, NAN, 0, NAN, 900, NAN]) == [
        *(False, True, True, True, False, False, False, True, False)
    ]


def test_a_track_without_any_position_shows_none() -> None:
    assert _shown([NAN, NAN]) == [False, False]


def test_zero_zero_is_no_position() -> None:
    circle = hidden_circle(HOME, KEY)
    latitude, longitude = _north_m([0.0, 900.0, 900.0], circle)
    around = np.array([0.0, *latitude, 0.0, *latitude[::-1]]), np.array([0.0, *longitude, 0.0, *longitude[::-1]])
    assert hide(*around, [circle], "w").tolist() == [False, False, True, True, True, True, True, False]


def test_a_zone_across_the_date_line_hides_on_both_sides() -> None:
    zone = PrivacyZone("Taveuni", -16.8, 180.0, 400)
    circle = hidden_circle(zone, KEY)
    assert not hide(np.full(2, -16.8), np.array([180.0, -180.0]), [circle], "w").any()
    assert not hide(np.full(2, -16.8), np.array([179.9999, -179.9999]), [circle], "w").any()
    centres = [hidden_circle(PrivacyZone(str(i), -16.8, 180.0, 400), KEY).longitude_deg for i in range(20)]
    assert min(centres) < -179.9
    assert max(centres) > 179.9
    assert all(-180 <= longitude < 180 for longitude in centres)


def _track(**channels: list[float]) -> Track:
    columns = {name: np.array(column, dtype=np.float64) for name, column in channels.items()}
    n = len(next(iter(columns.values())))
    return track_from_columns(np.arange(n, dtype=np.int64) * S, **columns)


def test_what_others_get_begins_at_the_first_shown_sample_with_gaps_as_pauses() -> None:
    track = _track(latitude_deg=[1, 2, 3, 4, 5, 6], longitude_deg=[0] * 6, heart_rate_bpm=[90, 91, 92, 93, 94, 95])
    part, gaps = shown_part(track, np.array([False, True, True, False, False, True]))
    assert part.time_us.tolist() == [1 * S, 2 * S, 5 * S]
    assert part.heart_rate_bpm.tolist() == [91, 92, 95]
    assert gaps == [(2 * S, 5 * S)]
    assert shown_part(track, np.array([True, False, True, True, True, True]))[1] == [(0, 2 * S)]


def test_the_counter_of_what_others_get_does_not_run_while_hidden() -> None:
    track = _track(latitude_deg=[1] * 7, longitude_deg=[0] * 7, distance_m=[500, 510, 523, NAN, 533, 540, 541])
    part, _ = shown_part(track, np.array([False, True, True, True, True, False, True]))
    # From 510 on: 13 m, 10 m over the unknown one; 533 to 541 is hidden.
    assert part.distance_m.tolist() == pytest.approx([0, 13, NAN, 23, 23], nan_ok=True)
    # A step across a hidden sample that has no counter is hidden as well.
    track = _track(latitude_deg=[1] * 3, longitude_deg=[0] * 3, distance_m=[5, NAN, 25])
    part, _ = shown_part(track, np.array([True, False, True]))
    assert part.distance_m.tolist() == [0, 0]


def test_a_track_that_is_shown_whole_is_left_but_for_where_its_counter_began() -> None:
    # 7 m before the first sample are of samples that nobody has: they may have been at the home.
    part, gaps = shown_part(_track(latitude_deg=[1, 2], longitude_deg=[0, 0], distance_m=[7, 9]), np.array([True] * 2))
    assert (part.latitude_deg.tolist(), part.distance_m.tolist(), gaps) == ([1, 2], [0, 2], [])


def test_a_track_without_positions_keeps_all_but_the_altitude_of_the_home() -> None:
    track = _track(distance_m=[0, 3, 6], altitude_m=[120, 121, 120])
    part, gaps = shown_part(track, np.array([False, False, False]))
    assert part.distance_m.tolist() == [0, 3, 6]
    assert np.isnan(part.altitude_m).all()
    assert gaps == []


def test_nothing_is_left_of_a_track_that_is_hidden_whole() -> None:
    part, gaps = shown_part(_track(latitude_deg=[1, 2], longitude_deg=[0, 0]), np.array([False, False]))
    assert (len(part), gaps) == (0, [])


def test_the_totals_that_others_see_are_those_of_the_map_that_they_see() -> None:
    # 1 km straight north at 5 m/s from the home, with a counter of a device that measured the same.
    metres = np.arange(0.0, 1001.0, 5.0)
    latitude = HOME.latitude_deg + np.degrees(metres / EARTH_RADIUS_M)
    track = track_from_columns(
        np.arange(len(metres), dtype=np.int64) * S,
        latitude_deg=latitude,
        longitude_deg=np.full(len(metres), HOME.longitude_deg),
        distance_m=metres + 42.0,
    )
    shown = hide(track.latitude_deg, track.longitude_deg, [hidden_circle(HOME, KEY)], "w")
    part, gaps = shown_part(track, shown)
    seen = summarise(
        part,
        sport="running",
        start_us=int(part.time_us[0]),
        end_us=int(part.time_us[-1]),
        pauses=gaps,
        athlete=Athlete(),
        stated=Stated(),
        rpe=None,
    )
    on_the_map_m = float(haversine_m(part.latitude_deg, part.longitude_deg).sum())
    assert 0 < on_the_map_m < 1000
    assert seen.distance_m == pytest.approx(on_the_map_m, abs=0.1)
    assert seen.elapsed_s == pytest.approx(on_the_map_m / 5.0, abs=0.1)


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (0.0, 2.0, True),
        (1.5, 2.0, True),
        (1.0, 2.5, False),  # ends between a shown sample and a hidden one
        (3.5, 5.0, False),  # begins between a hidden one and a shown one
        (1.0, 5.0, False),  # passes through
        (4.0, 6.0, True),
        (-1.0, 1.0, False),  # before the track
        (5.0, 7.0, False),  # after it
    ],
)
def test_an_effort_is_shown_only_when_all_of_it_is(start_s: float, end_s: float, expected: bool) -> None:
    track = _track(power_w=[1, 1, 1, 1, 1, 1, 1])
    shown = np.array([True, True, True, False, True, True, True])
    assert span_shown(track, shown, round(start_s * S), round(end_s * S)) is expected
