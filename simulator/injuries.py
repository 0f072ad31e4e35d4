"""When an athlete gets hurt: a latent hazard for each session, so that an injury model has something to find.

It is synthetic. The shape follows two findings about runners: a session much farther than the longest one of the last
30 days, and a high load of the last week, come before injuries (Schuster Brandt Frandsen 2025, doi
10.1136/bjsports-2024-109380; Impellizzeri 2020 on acute load); frailty, age and a recent injury add. The coefficients
are ours and stronger than life, and nothing learned here says anything about real people.

    hazard = base · frailty · exp(1.2·spike + 0.5·acute + 0.25·age + 0.8·recent)
    spike  = min(distance / longest of 30 days - 1.1, 1.5), at least 0; 0 without a longest
    acute  = load of 7 days / 300 - 1, within -1..2
    age    = (age - 38) / 20;  recent = 1 within 60 days after an injury
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from simulator.athletes import Person
from simulator.form import Form

# Per session; some 5 to 8 injuries in 1,000 h come of it. Recreational runners have 7.7 (Videbaek 2015, doi
# 10.1007/s40279-015-0333-8).
BASE_HAZARD: Final = 0.0065
_DAY_US: Final = 86_400_000_000
_BODY_PARTS: Final = {
    "running": ("knee", "achilles", "calf", "shin", "foot", "hip"),
    "cycling": ("knee", "lower-back", "neck", "wrist"),
    "swimming": ("shoulder", "neck"),
}
Severity = Literal["slight", "minimal", "mild", "moderate", "severe"]


@dataclass(frozen=True, slots=True)
class Injury:
    """One injury; times in UTC microseconds."""

    onset_us: int
    reported_us: int
    body_part: str
    severity: Severity
    days_lost: int


def hazard(*, frailty: float, spike_ratio: float, acute_load: float, age: float, recent: bool) -> float:
    """Chance that a session leads to an injury, as in the module's docstring; at most 0.5."""
    spike = min(max(0.0, spike_ratio - 1.1), 1.5)
    acute = min(max(-1.0, acute_load / 300.0 - 1.0), 2.0)
    risk = BASE_HAZARD * frailty * math.exp(1.2 * spike + 0.5 * acute + 0.25 * (age - 38) / 20 + 0.8 * recent)
    return min(risk, 0.5)


def injury_after(
    person: Person,
    form: Form,
    *,
    sport: str,
    spike_ratio: float,
    end_us: int,
    year: int,
    rng: np.random.Generator,
) -> Injury | None:
    """The injury that the session leads to, if any.

    ``form`` has the session already; ``spike_ratio`` is its distance against the longest one before it, 0 without one.
    """
    chance = hazard(
        frailty=person.frailty,
        spike_ratio=spike_ratio,
        acute_load=form.acute_load(),
        age=year - person.birth_year,
        recent=form.injured_until_us > 0 and end_us - form.injured_until_us < 60 * _DAY_US,
    )
    if rng.random() >= chance:
        return None
    onset_us = end_us + int((0.1 + rng.exponential(1.2)) * _DAY_US)
    days_lost = round(float(np.clip(rng.lognormal(1.9, 0.9), 0, 80)))
    parts = _BODY_PARTS.get(sport, ("knee", "ankle", "lower-back", "shoulder"))
    return Injury(
        onset_us=onset_us,
        reported_us=onset_us + int(rng.uniform(0.05, 0.8) * _DAY_US),
        body_part=parts[int(rng.integers(len(parts)))],
        severity=_severity(days_lost),
        days_lost=days_lost,
    )


def _severity(days_lost: int) -> Severity:
    """By days of training lost (Fuller 2006, doi 10.1136/bjsm.2005.025270)."""
    for limit, name in ((0, "slight"), (3, "minimal"), (7, "mild"), (28, "moderate")):
        if days_lost <= limit:
            return name  # type: ignore[return-value]
    return "severe"
