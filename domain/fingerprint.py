"""Marks of what a track says, by which a copy is found among many workouts."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.track import FloatColumn, Track

Tokens = tuple[int, ...]

MARKS: Final = 64
SAME_SHARE: Final = 0.25
KEYS: Final = 8
# About a metre: finer than the noise by which two devices on one road differ, coarser than what formats round away.
_DEGREE_STEPS: Final = 1e5
_RUN: Final = 32
_LEAST_CHANGES: Final = 8
_BASE: Final = 0x9E3779B97F4A7C15  # odd, so that it has an inverse
_WORD: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Marks of what a track says, 64 a channel; no marks where a channel has too few samples.

    Times are not in it. Two tracks whose ``keys`` meet may be the same; :func:`same_share` says. Marks are whole
    numbers from 0 to 2^63 - 1.
    """

    position: Tokens = ()
    heart_rate: Tokens = ()
    power: Tokens = ()

    @property
    def keys(self) -> Tokens:
        """By which a track is looked up among many: of each channel the 8 lowest marks.

        Criticism: two tracks may share marks, and none of these. How often is in docs/integrity.md.
        """
        return tuple(sorted({*self.position[:KEYS], *self.heart_rate[:KEYS], *self.power[:KEYS]}))


def fingerprint_of(track: Track) -> Fingerprint:
    """The fingerprint of a track: of all marks of a channel the 64 that hash lowest.

    A mark of positions is two fixes that follow each other, to 0.00001°; a mark of heart rate or power is 32 samples
    that follow each other and change at least 8 times, in whole bpm or watts. So a shift in time, another file format,
    a clock that runs faster, another title and a cut end leave most marks; another athlete on the same road has hardly
    any. The bottom-k sketch estimates what two sets share (Broder 1997, On the resemblance and containment of
    documents).

    Criticism: positions with added noise and no heart rate, or samples thinned out, give other marks.
    """
    return Fingerprint(
        position=_lowest(_position_marks(track.latitude_deg, track.longitude_deg)),
        heart_rate=_lowest(_run_marks(track.heart_rate_bpm)),
        power=_lowest(_run_marks(track.power_w)),
    )


def same_share(a: Fingerprint, b: Fingerprint) -> tuple[float, str]:
    """The share (0..1) of marks that two tracks have in common, of the channel that agrees best, and its name."""
    channels = ("position", "heart_rate", "power")
    return max((_shared(getattr(a, name), getattr(b, name)), name.replace("_", " ")) for name in channels)


def _shared(a: Tokens, b: Tokens) -> float:
    if not a or not b:
        return 0.0
    lowest = sorted({*a, *b})[:MARKS]
    return len({*lowest} & {*a} & {*b}) / MARKS


def _lowest(marks: NDArray[np.uint64]) -> Tokens:
    marks = marks >> np.uint64(1)
    if len(marks) < MARKS:
        return ()
    few = min(4 * MARKS, len(marks))  # enough but for a track that goes in circles
    distinct = np.unique(np.partition(marks, few - 1)[:few])
    if len(distinct) < MARKS:
        distinct = np.unique(marks)
    return tuple(distinct[:MARKS].tolist()) if len(distinct) >= MARKS else ()


def _position_marks(latitude_deg: FloatColumn, longitude_deg: FloatColumn) -> NDArray[np.uint64]:
    known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
    lat = np.rint(latitude_deg[known] * _DEGREE_STEPS).astype(np.int64)
    lon = np.rint(longitude_deg[known] * _DEGREE_STEPS).astype(np.int64)
    moved = (lat[1:] != lat[:-1]) | (lon[1:] != lon[:-1])
    place = _mixed(_mixed(lat.astype(np.uint64)) ^ lon.astype(np.uint64))
    marks: NDArray[np.uint64] = _mixed(_mixed(place[:-1]) ^ place[1:])[moved]
    return marks


def _run_marks(values: FloatColumn) -> NDArray[np.uint64]:
    whole = np.rint(values[np.isfinite(values)]).astype(np.int64)
    if len(whole) < _RUN:
        return np.empty(0, dtype=np.uint64)
    # A polynomial over the run's values modulo 2^64, as the difference of two sums (Karp and Rabin 1987, Efficient
    # randomized pattern-matching algorithms).
    runs = len(whole) - _RUN + 1
    powers, inverses = _powers(1 << len(whole).bit_length())
    sums = np.zeros(len(whole) + 1, dtype=np.uint64)
    np.cumsum(_mixed(whole.astype(np.uint64)) * powers[: len(whole)], out=sums[1:])
    mark = _mixed((sums[_RUN:] - sums[:runs]) * inverses[:runs])
    changes = np.concatenate(([0], np.cumsum(whole[1:] != whole[:-1])))
    lively = changes[_RUN - 1 :] - changes[:runs] >= _LEAST_CHANGES
    return mark[lively]


@lru_cache(maxsize=32)
def _powers(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The powers of the base modulo 2^64 from the 0th on, and their inverses."""
    powers, inverses = np.empty(count, dtype=np.uint64), np.empty(count, dtype=np.uint64)
    for power, base in ((powers, _BASE), (inverses, pow(_BASE, -1, _WORD))):
        power[0], power[1:] = 1, base
        np.cumprod(power, out=power)
    return powers, inverses


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's step (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output."""
    x = words + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed
