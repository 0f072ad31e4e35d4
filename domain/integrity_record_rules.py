"""Rules on what a workout claims: bests beyond the records, totals beyond what anyone does."""

from typing import Final

import numpy as np

from domain.efforts import BestEffort
from domain.integrity_flags import Case, Evidence, Flag, clock, flag_of
from domain.integrity_limits import MARGIN, climb_limit_m_s, power_limit_w_kg, record_over
from domain.track import US_PER_S

# Conventions of this project.
NET_DROP: Final = 0.01  # of the distance: a course for records may drop a tenth of that (World Athletics)
LONGEST_ENTRY_S: Final = 86_400.0


def beyond_record(case: Case) -> Flag | None:
    """A best effort beyond the record, the one that is farthest beyond."""
    worst: tuple[float, Flag] | None = None
    for effort in case.summary.best_efforts:
        judged = _power_judged(case, effort) if effort.kind == "power" else _pace_judged(case, effort)
        if judged is not None and (worst is None or judged[0] > worst[0]):
            worst = judged
    return worst[1] if worst else None


def _pace_judged(case: Case, effort: BestEffort) -> tuple[float, Flag] | None:
    """How many times faster than the limit, and the flag; ``None`` within it, and where the course falls too much."""
    if case.race is None or effort.distance_m is None or effort.duration_s <= 0:
        return None
    record = record_over(case.race, case.athlete.sex, effort.distance_m)
    if record is None:
        return None
    least_s = effort.distance_m / (record.speed_m_s * MARGIN[case.race])
    if effort.duration_s >= least_s:
        return None
    end_us = effort.start_us + round(effort.duration_s * US_PER_S)
    drop_m = case.motion.drop_m(effort.start_us, end_us) if case.motion else np.nan
    unknown_is_level = case.race not in ("wheel", "skate")
    if drop_m > NET_DROP * effort.distance_m or (np.isnan(drop_m) and not unknown_is_level):
        return None
    reason = (
        f"{effort.name} in {clock(effort.duration_s)}; the limit is {clock(least_s)}, from {record.holder}'s "
        f"{record.distance_m:g} m in {clock(record.duration_s)} on {record.day} ({record.authority}) and a margin."
    )
    evidence = Evidence(effort.start_us, end_us, effort.duration_s, least_s, "s")
    return least_s / effort.duration_s, flag_of("beyond_record", reason, evidence)


def _power_judged(case: Case, effort: BestEffort) -> tuple[float, Flag] | None:
    mass_kg, most = case.athlete.mass_kg, power_limit_w_kg(case.athlete.sex, effort.duration_s)
    if case.race != "wheel" or not mass_kg or most is None or effort.power_w is None:
        return None
    value = effort.power_w / mass_kg
    if value <= most:
        return None
    reason = f"{value:.1f} W/kg for {effort.name}; the limit is {most:.1f} W/kg, the best known and a margin."
    end_us = effort.start_us + round(effort.duration_s * US_PER_S)
    return value / most, flag_of("beyond_record", reason, Evidence(effort.start_us, end_us, value, most, "W/kg"))


def impossible_total(case: Case) -> Flag | None:
    """Stated totals, of which no sample tells, that nobody reaches in the time."""
    summary, sex = case.summary, case.athlete.sex
    if summary.sample_count > 0 and summary.distance_source != "stated":
        return None
    timer_s, distance_m, gain_m = summary.timer_time_s, summary.distance_m, summary.elevation_gain_m or 0.0
    if summary.sample_count == 0 and timer_s > LONGEST_ENTRY_S:
        reason = f"An entry by hand of {timer_s / 3600:.1f} h; the limit is {LONGEST_ENTRY_S / 3600:.0f} h."
        return flag_of("impossible_total", reason, case.whole(timer_s, LONGEST_ENTRY_S, "s"))
    if case.race is None:
        return None
    record = record_over(case.race, sex, distance_m)
    if record is not None and distance_m > record.speed_m_s * MARGIN[case.race] * timer_s:
        most_m = record.speed_m_s * MARGIN[case.race] * timer_s
        reason = (
            f"{distance_m / 1000:.1f} km stated in {clock(timer_s)}; at the speed of {record.holder}'s record of "
            f"{record.day.year} and a margin it is {most_m / 1000:.1f} km."
        )
        return flag_of("impossible_total", reason, case.whole(distance_m, most_m, "m"))
    rise = climb_limit_m_s(case.race, sex, case.athlete.mass_or_default(), timer_s)
    if rise is not None and gain_m > rise * timer_s:
        reason = f"{gain_m:.0f} m of climbing stated in {clock(timer_s)}; the limit is {rise * timer_s:.0f} m."
        return flag_of("impossible_total", reason, case.whole(gain_m, rise * timer_s, "m"))
    return None
