"""How long each sample of a track stands for: irregular samples, gaps and pauses in one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.track import US_PER_S, FloatColumn, Track

# Watches that save memory ("smart recording") store a sample every few seconds, some every minute: up to here
# a value holds.
MAX_HELD_S: Final = 60.0

# Up to here a straight line from one sample to the next is nearer to what happened than a step.
MAX_LINE_S: Final = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Times of a track of n samples relative to the start of the workout.

    ``offset_s`` (n,): seconds from the start. ``step_s`` (n-1,): timer seconds from one sample to the next,
    pauses taken out. ``held_s`` (n,): timer seconds that a sample's value stands for: its step, at most 60 s;
    the last one until the end, at most as long as the median step. ``timer_time_s``: elapsed time less
    pauses. ``regular``: one sample each second, no pause.
    """

    offset_s: FloatColumn
    step_s: FloatColumn
    held_s: FloatColumn
    elapsed_s: float
    timer_time_s: float
    regular: bool


def merged_pauses(pauses: Sequence[tuple[int, int]], start_us: int, end_us: int) -> list[tuple[int, int]]:
    """Pauses sorted, clipped to the workout, overlapping ones merged, empty ones dropped."""
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(pauses):
        begin, end = max(begin, start_us), min(end, end_us)
        if end <= begin:
            continue
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def timeline_of(track: Track, start_us: int, end_us: int, pauses: Sequence[tuple[int, int]]) -> Timeline:
    """The timeline of a workout from ``start_us`` to ``end_us`` (UTC, microseconds) with pauses in the same
    time.
    """
    elapsed_s = max(0, end_us - start_us) / US_PER_S
    breaks = merged_pauses(pauses, start_us, end_us)
    paused_s = sum(end - begin for begin, end in breaks) / US_PER_S
    offset_s = (track.time_us - start_us) / US_PER_S
    if len(track) == 0:
        return Timeline(offset_s, offset_s, offset_s, elapsed_s, elapsed_s - paused_s, regular=False)
    timer_s = offset_s
    if breaks:
        knots = np.array(breaks, dtype=np.float64).ravel()
        lengths = knots[1::2] - knots[::2]
        paused = np.repeat(np.concatenate(([0.0], np.cumsum(lengths))), 2)[1:-1]
        timer_s = offset_s - np.interp(track.time_us.astype(np.float64), knots, paused) / US_PER_S
    step_s = timer_s[1:] - timer_s[:-1]
    held_s = np.empty(len(track))
    regular = not breaks and len(track) > 1 and bool((step_s == 1.0).all())
    if regular:
        held_s[:-1] = step_s
        typical_s = 1.0
    else:
        np.minimum(step_s, MAX_HELD_S, out=held_s[:-1])
        positive = held_s[:-1][held_s[:-1] > 0]
        typical_s = float(np.median(positive)) if len(positive) else 1.0
    left_s = (elapsed_s - paused_s) - float(timer_s[-1])
    held_s[-1] = min(max(left_s, 0.0), typical_s)
    return Timeline(offset_s, step_s, held_s, elapsed_s, elapsed_s - paused_s, regular)


def line_on_seconds(values: FloatColumn, offset_s: FloatColumn, seconds: int) -> FloatColumn:
    """A channel at the whole seconds from the first sample on, (seconds,): straight lines between known values that are
    at most 10 s apart, NaN elsewhere.

    ``values`` and the rising ``offset_s`` have shape (n,).
    """
    line = np.full(seconds, np.nan)
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return line
    at_s, second = offset_s[known] - offset_s[0], np.arange(seconds, dtype=np.float64)
    after = np.searchsorted(at_s, second)
    there = (after < len(at_s)) & ((after > 0) | (at_s[0] <= 0))
    upper, lower = np.minimum(after, len(at_s) - 1), np.maximum(after - 1, 0)
    near = there & ((at_s[upper] == second) | (at_s[upper] - at_s[lower] <= MAX_LINE_S))
    line[near] = np.interp(second[near], at_s, values[known])
    return line


def weighted_mean(values: FloatColumn, held_s: FloatColumn) -> float | None:
    """Time-weighted mean of a channel; NaN samples do not count; ``None`` when nothing is left."""
    known = np.isfinite(values)
    if known.all():
        weight = float(held_s.sum())
        return float(values @ held_s) / weight if weight > 0 else None
    held = held_s[known]
    weight = float(held.sum())
    return float(values[known] @ held) / weight if weight > 0 else None
