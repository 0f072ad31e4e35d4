"""Elevation gain and loss with hysteresis, so that the noise of a barometer or of GPS is not climbed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.track import FloatColumn

THRESHOLD_M: Final = 3.0
UP_M_S: Final = 5.0  # nobody climbs faster, lifts and cable cars hardly
DOWN_M_S: Final = 15.0
JUMP_M: Final = 3.0
NOISE_M_S: Final = 3.0  # as the median over a whole workout: no altitude, but the noise of GPS (under water)
LOWEST_M: Final = -500.0  # the shore of the Dead Sea is at -430 m
HIGHEST_M: Final = 12_000.0
SMOOTHED_SAMPLES: Final = 5


def gain_and_loss_m(
    altitude_m: FloatColumn, offset_s: FloatColumn, threshold_m: float = THRESHOLD_M
) -> tuple[float, float] | None:
    """Metres climbed and descended, both positive; ``None`` with fewer than two known altitudes, or when they are only
    noise.

    ``altitude_m`` and the seconds ``offset_s`` have shape (n,). Altitudes below -500 m and above 12 km are unknown. A
    jump (the first fixes of GPS, a barometer that is set anew) counts nothing. The rest is smoothed by a moving mean of
    5 samples. A turning point counts only once the track has come back from it by ``threshold_m`` (hysteresis); between
    two turning points that count, the whole difference is gain or loss. So a steady climb is counted in full and a
    wobble of less than the threshold not at all.
    """
    known = plausible_altitudes(altitude_m)
    every = bool(known.all())
    altitude, time_s = (altitude_m, offset_s) if every else (altitude_m[known], offset_s[known])
    if len(altitude) < 2:
        return None
    step_m, step_s = altitude[1:] - altitude[:-1], time_s[1:] - time_s[:-1]
    jump = jumps(step_m, step_s)
    if jump.any():
        if float(np.median(np.abs(step_m) / step_s)) > NOISE_M_S:
            return None
        altitude = np.concatenate(([0.0], np.cumsum(np.where(jump, 0.0, step_m))))
    if len(altitude) > SMOOTHED_SAMPLES:
        half = SMOOTHED_SAMPLES // 2
        sums = np.concatenate(([0.0], np.cumsum(altitude - altitude[0])))
        smooth = (sums[SMOOTHED_SAMPLES:] - sums[:-SMOOTHED_SAMPLES]) / SMOOTHED_SAMPLES + altitude[0]
        altitude = np.concatenate((altitude[:half], smooth, altitude[-half:]))
    rising = altitude[1:] > altitude[:-1]
    changes = altitude[1:] != altitude[:-1]
    if not changes.all():
        kept = np.concatenate(([True], changes))
        altitude = altitude[kept]
        rising = rising[changes]
    if len(altitude) < 2:
        return 0.0, 0.0
    turns = np.flatnonzero(rising[1:] != rising[:-1]) + 1
    points = altitude[np.concatenate(([0], turns, [len(altitude) - 1]))]
    return _between_turning_points(_without_wobbles(points, threshold_m).tolist(), threshold_m)


def plausible_altitudes(altitude_m: FloatColumn) -> NDArray[np.bool_]:
    """Which altitudes (n,) are those of a place where people train: from -500 m to 12 km."""
    return (altitude_m >= LOWEST_M) & (altitude_m <= HIGHEST_M)


def jumps(step_m: FloatColumn, step_s: FloatColumn) -> NDArray[np.bool_]:
    """Which steps of altitude (n-1,) over 3 m are faster than 5 m/s up or 15 m/s down."""
    fast: NDArray[np.bool_] = (step_m > UP_M_S * step_s) | (step_m < -DOWN_M_S * step_s)
    return fast & (np.abs(step_m) > JUMP_M)


def _without_wobbles(points: FloatColumn, threshold_m: float) -> FloatColumn:
    """Drop pairs of turning points whose swing is below the threshold and no greater than the swings beside it.

    Such a swing lies within a longer rise or fall and can never count, so this changes no result; it leaves few points
    for the loop that follows.
    """
    while len(points) > 64:
        swing = np.abs(points[1:] - points[:-1])
        inner = swing[1:-1]
        gone = np.flatnonzero((inner < threshold_m) & (inner < swing[:-2]) & (inner <= swing[2:])) + 1
        if len(gone) == 0:
            break
        kept = np.ones(len(points), dtype=bool)
        kept[gone] = False
        kept[gone + 1] = False
        points = points[kept]
    return points


def _between_turning_points(points: list[float], threshold_m: float) -> tuple[float, float]:
    gain = loss = 0.0
    low = high = points[0]  # the extremes since the last turning point that counts
    direction = 0  # +1 while climbing, -1 while descending, 0 until the threshold is first passed
    for altitude in points:
        if direction >= 0 and altitude > high:
            high = altitude
        if direction <= 0 and altitude < low:
            low = altitude
        if direction == 0:
            if altitude - low >= threshold_m:
                direction, high = 1, altitude
            elif high - altitude >= threshold_m:
                direction, low = -1, altitude
        elif direction > 0 and high - altitude >= threshold_m:
            gain += high - low
            direction, low = -1, altitude
        elif direction < 0 and altitude - low >= threshold_m:
            loss += high - low
            direction, high = 1, altitude
    if direction > 0:
        gain += high - low
    elif direction < 0:
        loss += high - low
    return gain, loss
