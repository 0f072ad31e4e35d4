"""Copies: what was accepted first is the original, whatever the date, format or speed of the other."""

from dataclasses import replace

import numpy as np
import pytest

from domain.copies import Marked, Said, first_lookalike, must_look_again
from domain.fingerprint import MARKS, Fingerprint
from domain.integrity_flags import Flag
from domain.track import Track

from .cases import HOUR_US, START_US, beside, context_of, flags, marked, wobbling


def re_encoded(track: Track, shift_us: int = 0) -> Track:
    """The same samples as another program writes them: another date, six digits of a degree, decimetres."""
    return replace(
        track,
        time_us=track.time_us + shift_us,
        latitude_deg=track.latitude_deg.round(6),
        longitude_deg=track.longitude_deg.round(6),
        altitude_m=track.altitude_m.round(1),
    )


def copied(track: Track, *others: Marked) -> Flag | None:
    return flags(track, context=beside(track, context_of(track), *others)).get("copied_track")


def test_a_copy_of_another_athletes_run_on_another_day_is_flagged() -> None:
    original = wobbling(1800, seed=1)
    flag = copied(re_encoded(original, 48 * HOUR_US), marked(original, user="ann", accepted_us=START_US))
    assert flag is not None
    assert flag.decision == "flagged"
    assert "those of another athlete's workout w-0, which was accepted first" in flag.reason
    assert " h apart" not in flag.reason  # when the other's began is not told
    assert flag.evidence.limit == 0.25


def test_a_copy_without_its_heart_rate_or_without_its_positions_is_still_one() -> None:
    original = wobbling(1800, seed=1)
    unknown = np.full(1800, np.nan)
    known = marked(original, user="ann", accepted_us=START_US)
    assert copied(re_encoded(replace(original, heart_rate_bpm=unknown)), known) is not None
    assert copied(re_encoded(replace(original, latitude_deg=unknown, longitude_deg=unknown)), known) is not None
    assert copied(re_encoded(original).between(START_US + 600_000_000, START_US + HOUR_US), known) is not None


def beside_in_time(track: Track) -> Track:
    return replace(track, time_us=track.time_us - 48 * HOUR_US)


def test_a_ride_replayed_at_one_and_a_half_times_its_speed_is_a_copy() -> None:
    original = wobbling(1800, seed=1)
    faster = replace(original, time_us=START_US + np.arange(1800) * 1_000_000 * 2 // 3)
    flag = copied(faster, marked(original, user="ann", accepted_us=START_US))
    assert flag is not None
    own = copied(
        faster.between(START_US, START_US + HOUR_US), marked(beside_in_time(original), user="me", accepted_us=0)
    )
    assert own is not None
    assert "another workout of this athlete, w-0, +48.0 h apart, which lasted 1.50 times as long" in own.reason


def test_the_original_is_what_was_accepted_first_and_is_only_noted() -> None:
    original = wobbling(1800, seed=1)
    flag = copied(original, marked(re_encoded(original), user="ann", accepted_us=START_US + 6 * HOUR_US))
    assert flag is not None
    assert flag.decision == "noted"
    assert "this one is the original" in flag.reason


def test_two_athletes_side_by_side_are_not_copies() -> None:
    assert copied(wobbling(1800, seed=1), marked(wobbling(1800, seed=2), user="ann", accepted_us=START_US)) is None


def test_an_own_upload_from_a_second_service_is_a_duplicate_and_an_own_old_run_a_copy() -> None:
    run = wobbling(1800, seed=1)
    assert copied(re_encoded(run), marked(run, user="me", accepted_us=START_US)) is None
    old = copied(re_encoded(run, 48 * HOUR_US), marked(run, user="me", accepted_us=START_US))
    assert old is not None
    assert "another workout of this athlete" in old.reason


def test_of_several_that_say_the_same_the_first_is_named() -> None:
    run = wobbling(1800, seed=1)
    others = [marked(run, user=user, accepted_us=START_US + h * HOUR_US) for user, h in (("bob", 3), ("ann", 1))]
    flag = copied(re_encoded(run), *others, marked(wobbling(1800, seed=3), user="eve", accepted_us=START_US))
    assert flag is not None
    assert flag.decision == "flagged"
    first = first_lookalike(marked(run, user="me", accepted_us=START_US), others)
    assert first is not None
    assert first.user == "ann"


def sketches(rng: np.random.Generator, share: float) -> tuple[Fingerprint, Fingerprint]:
    """The marks of two tracks of an hour that have a share of all their marks in common."""
    marks = rng.integers(0, 2**63, 3600)
    common = int(share * len(marks))
    sides = rng.permutation(np.arange(common, len(marks)))
    halves = np.array_split(sides, 2)
    a, b = (np.sort(marks[np.concatenate((np.arange(common), half))])[:MARKS].tolist() for half in halves)
    return Fingerprint(position=tuple(a)), Fingerprint(position=tuple(b))


@pytest.mark.parametrize(("share", "missed_at_most"), [(0.25, 0.12), (0.5, 0.01), (0.7, 0.0)])
def test_few_that_share_marks_share_none_of_the_keys(share: float, missed_at_most: float) -> None:
    """Run with ``-s`` it prints what docs/integrity.md says."""
    rng = np.random.default_rng(11)
    pairs = [sketches(rng, share) for _ in range(2_000)]
    missed = sum(not {*a.keys} & {*b.keys} for a, b in pairs) / len(pairs)
    print(f"of tracks that share {share:.0%} of their marks {missed:.2%} share no key")
    assert missed <= missed_at_most


def test_a_digest_changes_with_times_and_marks() -> None:
    one = marked(wobbling(1800, seed=1), user="ann", accepted_us=START_US)
    assert one.digest == marked(wobbling(1800, seed=1), user="bob", accepted_us=START_US).digest
    others = [
        replace(one, accepted_us=1),
        replace(one, start_us=1),
        replace(one, end_us=1),
        replace(one, marks=replace(one.marks, position=(), heart_rate=one.marks.position)),
        replace(one, marks=replace(one.marks, heart_rate=())),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 6
    assert replace(one, marks=Fingerprint()).digest == 0


def test_who_has_an_earlier_lookalike_that_has_not_changed_is_not_looked_at_again() -> None:
    changed = (5, "ann", "w")
    assert not must_look_again(Said((4, "bob", "w"), is_current=True), changed)
    assert must_look_again(Said((4, "bob", "w"), is_current=False), changed)
    assert must_look_again(Said((6, "bob", "w"), is_current=True), changed)
    assert must_look_again(Said(changed, is_current=True), changed)
    assert must_look_again(None, changed)
