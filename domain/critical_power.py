"""What an athlete can hold for how long: xPower, functional threshold power, critical power and W', its balance.

Power comes at 1 Hz with shape (n,), without unknown seconds: of timer time for xPower
(:func:`domain.power.power_on_timer_seconds`), of elapsed time for the balance, because W' recovers in pauses
(:func:`domain.power.power_on_elapsed_seconds`).
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from domain.track import FloatColumn

XPOWER_S: Final = 25
SHARE_OF_20_MIN: Final = 0.95
SHORTEST_EFFORT_S: Final = 120.0
LONGEST_EFFORT_S: Final = 1200.0
LEAST_EFFORTS: Final = 3
# Bounds of this project. Nearer together, efforts cannot tell the slope of the line from its intercept; and an even
# ride lies on a line too, with a small W' and its mean power as critical power.
LEAST_SPREAD_S: Final = 300.0
LEAST_W_PRIME_J: Final = 5_000.0
MOST_W_PRIME_J: Final = 50_000.0
MOST_CP_ERROR: Final = 0.05

Refusal = Literal[
    "too_few_efforts", "too_near_together", "critical_power_not_positive", "w_prime_out_of_range", "scattered"
]


@dataclass(frozen=True, slots=True)
class CriticalPower:
    """Critical power, W' and their standard errors, and the durations of the efforts that they were fitted to."""

    cp_w: float
    w_prime_j: float
    cp_error_w: float
    w_prime_error_j: float
    durations_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class NoFit:
    """Why there is no critical power of these efforts; ``detail`` says it with the figures and what would help."""

    reason: Refusal
    detail: str


def xpower_w(power_w: FloatColumn) -> float | None:
    """(mean of (25 s exponentially weighted moving average)^4)^(1/4) of power at 1 Hz (n,); ``None`` below 25 s.

    The average is x ← 25/26 x + 1/26 power and starts at rest: x = 0 before the first second. This is the variant of
    GoldenCheetah, whose weights are those of Skiba's own spreadsheet. Skiba 2007, "Analysis of power output and
    training stress in cyclists: the development of the BikeScore algorithm".

    Criticism: it shares window and power of four with normalised power, neither of which a published trial measured;
    and the start at rest makes a short steady effort count as less than it was.

    Raises ``ValueError`` for an unknown second.
    """
    if len(power_w) < XPOWER_S:
        return None
    _check_known(power_w)
    kept = np.full(len(power_w), XPOWER_S / (XPOWER_S + 1.0))
    average = _carried(kept, power_w / (XPOWER_S + 1.0))
    squared = average * average
    return float((float(squared @ squared) / len(squared)) ** 0.25)


def ftp_of_20_min_w(power_w: float) -> float:
    """Functional threshold power as 95 % of the best mean power of 20 min.

    Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9.

    Criticism: their test has five hard minutes before the twenty, which a best of training has not; so fresh legs give
    too much, and an effort that was not all-out too little. In 23 cyclists it agreed with the power of an hour on
    average, but not in each of them (Borszcz et al. 2018, doi 10.1055/s-0044-101546).
    """
    return SHARE_OF_20_MIN * power_w


def critical_power(duration_s: FloatColumn, power_w: FloatColumn) -> CriticalPower | NoFit:
    """Critical power and W' by the two-parameter work-time model: work = CP · duration + W', least squares.

    ``duration_s`` and ``power_w`` (n,) are mean-maximal efforts in any order: durations and the highest mean power over
    each. Of a duration that is given twice the higher power counts; efforts below 2 and above 20 min and unknown ones
    do not. Monod, Scherrer 1965, doi 10.1080/00140136508930810.

    Refused with the reason, rather than raised, because athletes without hard efforts are normal input: fewer than 3
    efforts; the longest less than 5 min longer than the shortest; CP not above 0; W' not within 5 to 50 kJ; a standard
    error of CP above 5 % of it. These bounds are conventions of this project.

    Criticism: the model needs efforts to exhaustion. The best of training seldom are, and then CP is too low and W'
    anything. The durations that are chosen move both. Work contains the duration that it is regressed on, so a high
    correlation proves nothing. Beyond about 20 min power falls below CP, which the model says that it never does.

    Raises ``ValueError`` for columns of two lengths.
    """
    if len(duration_s) != len(power_w):
        raise ValueError(f"{len(duration_s)} durations and {len(power_w)} powers: give one power a duration")
    best: dict[float, float] = {}
    for duration, power in zip(duration_s.tolist(), power_w.tolist(), strict=True):
        if SHORTEST_EFFORT_S <= duration <= LONGEST_EFFORT_S and power > 0:
            best[duration] = max(power, best.get(duration, 0.0))
    if len(best) < LEAST_EFFORTS:
        return NoFit(
            "too_few_efforts",
            f"{len(best)} efforts of 2 to 20 min: hard efforts of at least {LEAST_EFFORTS} durations are needed",
        )
    durations = sorted(best)
    if durations[-1] - durations[0] < LEAST_SPREAD_S:
        return NoFit(
            "too_near_together",
            f"efforts from {durations[0]:g} to {durations[-1]:g} s: the longest must be at least "
            f"{LEAST_SPREAD_S:g} s longer than the shortest",
        )
    return _fitted(np.array(durations), np.array([best[duration] for duration in durations]))


def _fitted(duration_s: FloatColumn, power_w: FloatColumn) -> CriticalPower | NoFit:
    """The line through work over duration, or why it makes no sense."""
    n = len(duration_s)
    work_j = power_w * duration_s
    mean_s, mean_j = float(duration_s.mean()), float(work_j.mean())
    centred_s = duration_s - mean_s
    spread = float(centred_s @ centred_s)
    cp_w = float(centred_s @ work_j) / spread
    w_prime_j = mean_j - cp_w * mean_s
    if cp_w <= 0:
        return NoFit(
            "critical_power_not_positive",
            f"critical power would be {cp_w:.1f} W: the longer efforts did less work, harder long ones are needed",
        )
    if not LEAST_W_PRIME_J <= w_prime_j <= MOST_W_PRIME_J:
        return NoFit(
            "w_prime_out_of_range",
            f"W' would be {w_prime_j:.0f} J, not {LEAST_W_PRIME_J:.0f} to {MOST_W_PRIME_J:.0f} J: "
            + ("harder short" if w_prime_j < LEAST_W_PRIME_J else "harder long")
            + " efforts are needed",
        )
    missed_j = work_j - w_prime_j - cp_w * duration_s
    variance = float(missed_j @ missed_j) / (n - 2)
    cp_error_w = (variance / spread) ** 0.5
    if cp_error_w > MOST_CP_ERROR * cp_w:
        return NoFit(
            "scattered",
            f"critical power would be {cp_w:.1f} W with a standard error of {cp_error_w:.1f} W, above "
            f"{MOST_CP_ERROR:.0%}: the efforts do not lie on one line, some were not to exhaustion",
        )
    w_prime_error_j = (variance * (1 / n + mean_s**2 / spread)) ** 0.5
    return CriticalPower(cp_w, w_prime_j, cp_error_w, w_prime_error_j, tuple(duration_s.tolist()))


def w_prime_balance_integral_j(power_w: FloatColumn, cp_w: float, w_prime_j: float) -> FloatColumn:
    """Balance of W' at the end of each second, integral form: W' - Σ spent(u) e^(-(t - u)/τ), (n,) joules.

    spent(u) is the work above CP of second u, τ = 546 e^(-0.01 D) + 316 s, and D is CP less the mean of the seconds
    below CP, of the whole workout; without such seconds D is 0. It starts full, is never above W', and below 0 means
    that the athlete did what the model calls impossible: CP or W' is taken too low, or the meter reads too high. The
    sum is carried from second to second, S ← S e^(-1/τ) + spent. Skiba et al. 2012, doi 10.1249/MSS.0b013e3182517a80.

    Criticism: τ is of seven recreationally active men and of the whole workout, so what comes later changes the balance
    of an earlier second and it cannot be known live; and it recovers at every power, above CP too (Skiba, Clarke 2021,
    doi 10.1123/ijspp.2021-0205).

    Raises ``ValueError`` for an unknown second, and for CP or W' of 0 or less.
    """
    _check(power_w, cp_w, w_prime_j)
    below = power_w < cp_w
    d_cp_w = cp_w - float(power_w[below].mean()) if below.any() else 0.0
    tau_s = 546.0 * np.exp(-0.01 * d_cp_w) + 316.0
    kept = np.full(len(power_w), np.exp(-1.0 / tau_s))
    return w_prime_j - _carried(kept, np.maximum(power_w - cp_w, 0.0))


def w_prime_balance_differential_j(power_w: FloatColumn, cp_w: float, w_prime_j: float) -> FloatColumn:
    """Balance of W' at the end of each second, differential form, (n,) joules.

    At or above CP the work above CP is spent and nothing recovers. Below CP what is missing shrinks by
    e^(-(CP - power)/W') a second: the exact solution over a second of even power of d/dt balance = (CP - power) ·
    (W' - balance) / W'. Programs that take one step of that equation a second differ a little. It starts full, is never
    above W', and below 0 means that the athlete did what the model calls impossible: CP or W' is taken too low, or the
    meter reads too high. A second depends on nothing after it: this is the form for live use. Skiba et al. 2015, doi
    10.1007/s00421-014-3050-3; Froncioni and Clarke's equation as in Skiba, Clarke 2021, doi 10.1123/ijspp.2021-0205.

    Criticism: recovery depends on nothing but the power of recovery and W', whereas measured recovery depends on the
    work before it and slows down (Caen et al. 2019, doi 10.1249/MSS.0000000000001968); a fault of CP adds up second by
    second, so that the end of a long workout is the least certain.

    Raises ``ValueError`` for an unknown second, and for CP or W' of 0 or less.
    """
    _check(power_w, cp_w, w_prime_j)
    above_w = power_w - cp_w
    kept = np.exp(np.minimum(above_w, 0.0) / w_prime_j)
    return w_prime_j - _carried(kept, np.maximum(above_w, 0.0))


def lowest_balance_j(balance_j: FloatColumn) -> tuple[float, int] | None:
    """The deepest match that was burnt: the least balance of W' (n,), joules, and the row where it first was so.

    ``None`` of no seconds. A workout that never goes above CP leaves W' whole.

    Criticism: one figure of a model: it says how near to the end the athlete came if CP and W' are right that day.
    """
    if len(balance_j) == 0:
        return None
    row = int(balance_j.argmin())
    return float(balance_j[row]), row


def _check_known(power_w: FloatColumn) -> None:
    known = np.isfinite(power_w)
    if not known.all():
        raise ValueError(
            f"power is unknown at second {int(known.argmin())}: fill it by domain.power.power_on_elapsed_seconds"
        )


def _check(power_w: FloatColumn, cp_w: float, w_prime_j: float) -> None:
    if not cp_w > 0:
        raise ValueError(f"critical power is {cp_w} W: it must be above 0")
    if not w_prime_j > 0:
        raise ValueError(f"W' is {w_prime_j} J: it must be above 0")
    _check_known(power_w)


def _carried(kept: FloatColumn, added: FloatColumn) -> FloatColumn:
    """x ← kept x + added from x = 0, (n,) each, kept within 0..1.

    Cut into about √n rows of about √n seconds: all rows go forward side by side from 0, then each is given what the row
    before it left over.
    """
    n = len(added)
    width = max(1, round(n**0.5))
    padding = -n % width
    rows_kept = np.concatenate((kept, np.ones(padding))).reshape(-1, width)
    rows = np.concatenate((added, np.zeros(padding))).reshape(-1, width)
    for second in range(1, width):
        rows[:, second] += rows_kept[:, second] * rows[:, second - 1]
    left = np.cumprod(rows_kept, axis=1)
    start = 0.0
    starts: list[float] = []
    for end, share in zip(rows[:, -1].tolist(), left[:, -1].tolist(), strict=True):
        starts.append(start)
        start = end + share * start
    carried: FloatColumn = (rows + left * np.array(starts)[:, None]).ravel()[:n]
    return carried
