"""Aerobic efficiency: what was done for each heartbeat, and how much of it was lost on the way."""

from typing import Final

import numpy as np

from domain.track import FloatColumn

SHORTEST_S: Final = 20 * 60.0
ENOUGH_OF_BOTH: Final = 2 / 3


def efficiency_factor(output: float, mean_heart_rate_bpm: float) -> float:
    """Output by heartbeat: normalised power in W, or speed in m/min, by mean heart rate in bpm.

    Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9. Raises ``ValueError`` for a heart rate of 0 or less.

    Criticism: heat, sleep, coffee and the day's form move heart rate by as much as weeks of training do: compare like
    sessions only.
    """
    if mean_heart_rate_bpm <= 0:
        raise ValueError(f"mean heart rate is {mean_heart_rate_bpm} bpm: it must be above 0")
    return output / mean_heart_rate_bpm


def aerobic_decoupling(output: FloatColumn, heart_rate_bpm: FloatColumn, held_s: FloatColumn) -> float | None:
    """How much less was done for a heartbeat in the second half than in the first, as a share: (e₁ - e₂) / e₁.

    ``output`` (power in W: Pw:HR, or speed: Pa:HR), ``heart_rate_bpm`` and the seconds ``held_s`` that each sample
    stands for have shape (n,); seconds that lack either do not count, and the halves are of the time of those that do.
    e is mean output by mean heart rate. ``None`` when both are known for less than 20 min or for less than 2/3 of the
    time, or when nothing was done. Friel 2009, The Triathlete's Training Bible, ISBN 978-1-934030-19-6, who calls up to
    0.05 coupled.

    Criticism: it means something only for a steady session; intervals, a hill in the second half or heat decouple too.
    """
    known = np.isfinite(output) & np.isfinite(heart_rate_bpm)
    total_s, both_s = float(held_s.sum()), float(held_s @ known)
    if both_s < SHORTEST_S or both_s < ENOUGH_OF_BOTH * total_s:
        return None
    if np.count_nonzero(known) < len(known):
        output, heart_rate_bpm, held_s = output[known], heart_rate_bpm[known], held_s[known]
    # The sample that the middle is in belongs to both halves, each to its part.
    first = np.clip(both_s / 2 - np.concatenate(([0.0], np.cumsum(held_s)[:-1])), 0.0, held_s)
    second = held_s - first
    beats_1, beats_2 = float(first @ heart_rate_bpm), float(second @ heart_rate_bpm)
    done_1, done_2 = float(first @ output), float(second @ output)
    if done_1 <= 0 or beats_1 <= 0 or beats_2 <= 0:
        return None
    before, after = done_1 / beats_1, done_2 / beats_2
    return (before - after) / before
