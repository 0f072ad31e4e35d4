"""Elevation gain and loss with hysteresis, so that the noise of a barometer or of GPS is not climbed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.efforts import MAX_SPAN_S
from domain.timeline import MAX_HELD_S
from domain.track import FloatColumn

THRESHOLD_M: Final = 3.0
UP_M_S: Final = 5.0  # nobody climbs faster, lifts and cable cars hardly
DOWN_M_S: Final = 15.0
JUMP_M: Final = 3.0
NOISE_M_S: Final = 3.0  # as the median over a whole workout: no altitude, but the noise of GPS (under water)
LOWEST_M: Final = -500.0  # the shore of the Dead Sea is at -430 m
HIGHEST_M: Final = 12_000.0
WINDOW_S: Final = 9  # odd: as many seconds before as after
_HALF_S: Final = WINDOW_S // 2
_NEAR_S: Final = np.arange(_HALF_S)  # from the end of a run: there the window narrows
_STEADY_S: Final = 1e-6  # times are whole microseconds: a step that is off by less is off by rounding
_ROUNDING_M: Final = 1e-6  # devices write steps of 0.2 m, so swings of just the threshold are common


def gain_and_loss_m(
    altitude_m: FloatColumn, offset_s: FloatColumn, threshold_m: float = THRESHOLD_M
) -> tuple[float, float] | None:
    """Metres climbed and descended, both positive; ``None`` with fewer than two known altitudes, when they are only
    noise, or when more than four days are recorded.

    ``altitude_m`` and the rising seconds ``offset_s`` have shape (n,). Altitudes below -500 m and above 12 km are
    unknown. A jump (the first fixes of GPS, a barometer that is set anew) counts nothing. The rest is put on whole
    seconds, by a straight line from one known altitude to the next, and smoothed by a moving mean of 9 s, so that the
    figure is one of the hills and not of how often the device wrote them down. A turning point counts only once the
    track has come back from it by ``threshold_m`` (hysteresis); between two turning points that count, the whole
    difference is gain or loss. So a steady climb is counted in full and a wobble of less than the threshold not at all.

    Over more than 60 s without an altitude there is no line and no mean: the altitudes before and after are smoothed
    each for themselves, in a window that narrows towards the gap as it does towards the ends, and the difference
    between the two sides of the gap is one step, counted once.

    The rule, its window and its threshold are conventions of this project; devices and programs each have their own.
    docs/quality.md compares it with what devices state, and thinned recordings with whole ones.

    Criticism: a hill just below the threshold counts nothing and one just above it in full, so on a flat course the
    figure rests on a few centimetres. The mean takes off the tops of hills that last seconds. Drift of more than the
    threshold that is slower than the window (weather, GPS) is climbed, and a hill between two samples is not.
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
    if float(np.abs(step_s - 1.0).max()) < _STEADY_S:
        runs_s = np.array([len(altitude)])
    else:
        begins = np.concatenate(([0], np.flatnonzero(step_s > MAX_HELD_S) + 1))
        ends = np.append(begins[1:], len(altitude)) - 1
        if float((time_s[ends] - time_s[begins]).sum()) > MAX_SPAN_S:
            return None
        altitude, runs_s = _on_seconds(altitude, time_s, begins, ends)
    return _climbed(_smoothed(altitude, runs_s), threshold_m)


def _on_seconds(
    altitude: FloatColumn, time_s: FloatColumn, begins: NDArray[np.intp], ends: NDArray[np.intp]
) -> tuple[FloatColumn, NDArray[np.intp]]:
    """Altitude at each second of runs of rows, from the first of a run to its last, and the seconds of each run.

    The last second of a run is cut short, so that the run ends with the altitude of its last row.
    """
    runs_s = np.ceil(time_s[ends] - time_s[begins]).astype(np.intp) + 1
    second = np.arange(int(runs_s.sum())) + np.repeat(time_s[begins] - (np.cumsum(runs_s) - runs_s), runs_s)
    return np.interp(np.minimum(second, np.repeat(time_s[ends], runs_s)), time_s, altitude), runs_s


def _smoothed(altitude: FloatColumn, runs_s: NDArray[np.intp]) -> FloatColumn:
    """Moving mean of altitudes at 1 Hz that are runs of ``runs_s`` seconds.

    Towards the ends of a run the window narrows on both sides, which leaves a steady climb as it is.
    """
    sums = np.zeros(len(altitude) + 1)
    np.cumsum(altitude - altitude[0], out=sums[1:])
    smooth = np.empty(len(altitude))
    if len(altitude) >= WINDOW_S:
        smooth[_HALF_S:-_HALF_S] = (sums[WINDOW_S:] - sums[:-WINDOW_S]) / WINDOW_S
    last = np.cumsum(runs_s)[:, None] - 1
    span = runs_s[:, None] - 1
    inward = np.minimum(_NEAR_S, span)
    half = np.minimum(inward, span - inward)
    row = np.concatenate((last - span + inward, last - inward))
    half = np.concatenate((half, half))
    smooth[row] = (sums[row + half + 1] - sums[row - half]) / (2 * half + 1)
    return smooth


def _climbed(altitude: FloatColumn, threshold_m: float) -> tuple[float, float]:
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
    swing_m = threshold_m - _ROUNDING_M
    return _between_turning_points(_without_wobbles(points, swing_m).tolist(), swing_m)


def plausible_altitudes(altitude_m: FloatColumn) -> NDArray[np.bool_]:
    """Which altitudes (n,) are those of a place where people train: from -500 m to 12 km."""
    return (altitude_m >= LOWEST_M) & (altitude_m <= HIGHEST_M)


def jumps(step_m: FloatColumn, step_s: FloatColumn) -> NDArray[np.bool_]:
    """Which steps of altitude (n-1,) over 3 m are faster than 5 m/s up or 15 m/s down."""
    high: NDArray[np.bool_] = np.abs(step_m) > JUMP_M
    if not high.any():  # nearly always
        return high
    return high & ((step_m > UP_M_S * step_s) | (step_m < -DOWN_M_S * step_s))


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
