"""Power: normalised power, intensity factor, training stress score, mechanical work.

Coggan 2003, "Training and racing using a power meter" (USA Cycling); Allen, Coggan, McGregor 2019, ISBN
978-1-937715-93-9.
"""

from typing import Final

import numpy as np

from domain.timeline import Timeline
from domain.track import FloatColumn

WINDOW_S: Final = 30
# Above what the strongest track sprinters reach: such values are faults of the meter.
MAX_POWER_W: Final = 3000.0
# A meter that misses a beat is not the athlete's rest: up to here the value before holds where power is unknown.
BRIDGED_S: Final = 5.0
GROSS_EFFICIENCY: Final = 0.24  # Coyle et al. 1992, doi 10.1249/00005768-199207000-00008: 0.20 to 0.25
J_PER_KCAL: Final = 4184.0


def clean_power_w(power_w: FloatColumn) -> FloatColumn:
    """Power (n,) with faults (negative, above 3,000 W) as NaN; the same array when there is none.

    A channel that is never above 0 has no meter behind it: all NaN.
    """
    good = (power_w >= 0) & (power_w <= MAX_POWER_W)
    clean = power_w if good.all() else np.where(good, power_w, np.nan)
    return clean if (clean > 0).any() else np.full(len(power_w), np.nan)


def bridged_power_w(power_w: FloatColumn, offset_s: FloatColumn) -> FloatColumn:
    """Power (n,) at rising seconds (n,) with the value before in unknown rows between two known ones that are at most
    5 s apart; the same array when there are none.

    Held, not drawn as a line, as between samples; so nothing is higher than what was known.
    """
    known = np.isfinite(power_w)
    if known.all():
        return power_w
    rows, unknown = np.flatnonzero(known), np.flatnonzero(~known)
    after = np.searchsorted(rows, unknown)
    inside = (after > 0) & (after < len(rows))
    unknown, after = unknown[inside], after[inside]
    near = offset_s[rows[after]] - offset_s[rows[after - 1]] <= BRIDGED_S
    bridged = power_w.copy()
    bridged[unknown[near]] = power_w[rows[after[near] - 1]]
    return bridged


def power_on_timer_seconds(power_w: FloatColumn, timeline: Timeline) -> FloatColumn:
    """Power for each second of timer time: pauses cut out, short gaps bridged, other unknown seconds dropped, a value
    held until the next one, at most 60 s.
    """
    power_w = bridged_power_w(power_w, timeline.offset_s)
    if timeline.regular:
        known = np.isfinite(power_w)
        return power_w if known.all() else power_w[known]
    known = np.isfinite(power_w)
    ends = np.rint(np.cumsum(timeline.held_s[known])).astype(np.int64)
    return np.repeat(power_w[known], np.diff(ends, prepend=0))


def power_on_elapsed_seconds(power_w: FloatColumn, timeline: Timeline) -> FloatColumn:
    """Power for each second from the first sample on, short gaps bridged, 0 in pauses, other gaps and where it is
    unknown for longer: what best efforts are cut from.
    """
    power_w = bridged_power_w(power_w, timeline.offset_s)
    known = np.isfinite(power_w)
    if timeline.regular:
        return power_w if known.all() else np.where(known, power_w, 0.0)
    offset_s = timeline.offset_s - timeline.offset_s[0]
    # A row is the latest one for the whole seconds from its own time to that of the next.
    row = np.repeat(np.arange(len(offset_s)), np.diff(np.ceil(offset_s).astype(np.int64), append=int(offset_s[-1]) + 1))
    age_s = np.arange(len(row)) - offset_s[row]
    held = (age_s < np.maximum(timeline.held_s[row], 1.0)) & known[row]
    return np.where(held, power_w[row], 0.0)


def normalised_power_w(power_w: FloatColumn) -> float | None:
    """(mean of (30 s moving average)^4)^(1/4) of power at 1 Hz (n,); ``None`` below 30 s.

    The first average is that of the first 30 s: nothing is filled with zero before it. 15 s at 400 W and 15 s
    at 100 W in turn give 250 W. Coggan 2003; Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9.

    Criticism: window and power of four were chosen, not measured in a published trial, and it overstates short
    sessions of a few hard efforts.
    """
    if len(power_w) < WINDOW_S:
        return None
    sums = np.empty(len(power_w) + 1)
    sums[0] = 0.0
    np.cumsum(power_w, out=sums[1:])
    mean = sums[WINDOW_S:] - sums[:-WINDOW_S]
    mean *= mean
    return float((float(mean @ mean) / len(mean)) ** 0.25) / WINDOW_S


def intensity_factor(normalised_w: float, ftp_w: float) -> float:
    """Normalised power as a share of functional threshold power.

    Coggan 2003; Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9.

    Criticism: no better than the threshold, which is often an old estimate, and which nobody holds for exactly an hour.

    Raises ``ValueError`` for an FTP of 0 or less.
    """
    if ftp_w <= 0:
        raise ValueError(f"functional threshold power is {ftp_w} W: it must be above 0")
    return normalised_w / ftp_w


def training_stress_score(duration_s: float, normalised_w: float, ftp_w: float) -> float:
    """TSS = 100 * hours * IF²; one hour at threshold is 100.

    Coggan 2003; Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9.

    Criticism: a fault of the threshold enters squared, and long easy days count as much as short hard ones.

    Raises ``ValueError`` for an FTP of 0 or less.
    """
    return 100.0 * duration_s / 3600.0 * intensity_factor(normalised_w, ftp_w) ** 2


def energy_kcal(mean_power_w: float, duration_s: float) -> float:
    """Energy that the body spent for mechanical work, at a gross efficiency of 24 %.

    Coyle et al. 1992, doi 10.1249/00005768-199207000-00008, who measured 20 to 25 %.

    Criticism: over that range it is from a sixth too low to 4 % too high; efficiency also depends on how hard
    one pedals.
    """
    return mean_power_w * duration_s / J_PER_KCAL / GROSS_EFFICIENCY
