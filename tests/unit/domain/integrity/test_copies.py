"""Copies: what was accepted first is the original, whatever the date, format or speed of the other."""

from dataclasses import replace

import numpy as np

from domain.integrity_flags import Flag, Lookalike
from domain.track import Track

from .cases import HOUR_US, START_US, context_of, flags, lookalike, wobbling


def re_encoded(track: Track, shift_us: int = 0) -> Track:
    """The same samples as another program writes them: another date, six digits of a degree, decimetres."""
    return replace(
        track,
        time_us=track.time_us + shift_us,
        latitude_deg=track.latitude_deg.round(6),
        longitude_deg=track.longitude_deg.round(6),
        altitude_m=track.altitude_m.round(1),
    )


def copied(track: Track, other: Lookalike) -> Flag | None:
    return flags(track, context=context_of(track, lookalikes=(other,))).get("copied_track")


def test_a_copy_of_another_athletes_run_on_another_day_is_flagged() -> None:
    original = wobbling(1800, seed=1)
    flag = copied(re_encoded(original, 48 * HOUR_US), lookalike(original, user="ann", accepted_us=START_US))
    assert flag is not None
    assert flag.decision == "flagged"
    assert "those of another athlete's workout w-0, +48.0 h apart. That one lasted 1.00 times as long" in flag.reason
    assert "was accepted first" in flag.reason
    assert flag.evidence.limit == 0.25


def test_a_copy_without_its_heart_rate_or_without_its_positions_is_still_one() -> None:
    original = wobbling(1800, seed=1)
    unknown = np.full(1800, np.nan)
    known = lookalike(original, user="ann", accepted_us=START_US)
    assert copied(re_encoded(replace(original, heart_rate_bpm=unknown)), known) is not None
    assert copied(re_encoded(replace(original, latitude_deg=unknown, longitude_deg=unknown)), known) is not None
    assert copied(re_encoded(original).between(START_US + 600_000_000, START_US + HOUR_US), known) is not None


def test_a_ride_replayed_at_one_and_a_half_times_its_speed_is_a_copy() -> None:
    original = wobbling(1800, seed=1)
    faster = replace(original, time_us=START_US + np.arange(1800) * 1_000_000 * 2 // 3)
    flag = copied(faster, lookalike(original, user="ann", accepted_us=START_US))
    assert flag is not None
    assert "lasted 1.50 times as long" in flag.reason


def test_the_original_is_what_was_accepted_first_and_is_only_noted() -> None:
    original = wobbling(1800, seed=1)
    flag = copied(original, lookalike(re_encoded(original), user="ann", accepted_us=START_US + 6 * HOUR_US))
    assert flag is not None
    assert flag.decision == "noted"
    assert "this one is the original" in flag.reason


def test_two_athletes_side_by_side_are_not_copies() -> None:
    assert copied(wobbling(1800, seed=1), lookalike(wobbling(1800, seed=2), user="ann", accepted_us=START_US)) is None


def test_an_own_upload_from_a_second_service_is_a_duplicate_and_an_own_old_run_a_copy() -> None:
    run = wobbling(1800, seed=1)
    assert copied(re_encoded(run), lookalike(run, user="me", accepted_us=START_US)) is None
    old = copied(re_encoded(run, 48 * HOUR_US), lookalike(run, user="me", accepted_us=START_US))
    assert old is not None
    assert "another workout of this athlete" in old.reason
