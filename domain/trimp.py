"""Heart-rate load and energy: Banister's training impulse, Keytel's energy expenditure."""

from typing import Final

import numpy as np

from domain.athlete import Sex
from domain.track import FloatColumn

MIN_HR_BPM: Final = 25.0
MAX_HR_BPM: Final = 240.0

# y = a e^(b x): weights from the rise of blood lactate.
_BANISTER: Final[dict[Sex, tuple[float, float]]] = {"male": (0.64, 1.92), "female": (0.86, 1.67)}


def clean_heart_rate_bpm(heart_rate_bpm: FloatColumn) -> FloatColumn:
    """Heart rate (n,) with faults (below 25, above 240 bpm: a strap that has no contact) as NaN; the same
    array when there is none.
    """
    good = (heart_rate_bpm >= MIN_HR_BPM) & (heart_rate_bpm <= MAX_HR_BPM)
    return heart_rate_bpm if good.all() else np.where(good, heart_rate_bpm, np.nan)


def banister_trimp(
    heart_rate_bpm: FloatColumn, held_s: FloatColumn, hr_rest_bpm: float, hr_max_bpm: float, sex: Sex
) -> float | None:
    """Training impulse TRIMP = Σ minutes · x · a e^(b x), x = (HR - rest) / (max - rest) within 0..1, summed
    sample by sample.

    Men a = 0.64, b = 1.92; women a = 0.86, b = 1.67; sex unspecified: the mean of both weights. Morton,
    Fitz-Clarke, Banister 1990, doi 10.1152/jappl.1990.69.3.1171.

    Criticism: the weights are of a small group's blood lactate, not of the athlete, and heart rate comes late to short
    efforts, which count too little.

    ``heart_rate_bpm`` and ``held_s`` have shape
    (n,); NaN does not count. ``None`` when no sample counts or max is not above rest.
    """
    reserve = hr_max_bpm - hr_rest_bpm
    known = np.isfinite(heart_rate_bpm)
    if reserve <= 0 or not known.any():
        return None
    if not known.all():
        heart_rate_bpm, held_s = heart_rate_bpm[known], held_s[known]
    x = np.clip((heart_rate_bpm - hr_rest_bpm) / reserve, 0.0, 1.0)
    return float((x * weight(x, sex)) @ held_s) / 60.0


def weight(x: FloatColumn, sex: Sex) -> FloatColumn:
    """Banister's weight a e^(b x) of the share x of the heart-rate reserve (n,)."""
    if sex == "unspecified":
        return (weight(x, "male") + weight(x, "female")) * 0.5
    a, b = _BANISTER[sex]
    return np.exp(b * x) * a


def trimp_of_steady(
    minutes: float, heart_rate_bpm: float, hr_rest_bpm: float, hr_max_bpm: float, sex: Sex
) -> float | None:
    """TRIMP of a steady heart rate held for ``minutes``; ``None`` when max is not above rest."""
    return banister_trimp(np.array([heart_rate_bpm]), np.array([minutes * 60.0]), hr_rest_bpm, hr_max_bpm, sex)


def energy_kcal(mean_heart_rate_bpm: float, duration_s: float, mass_kg: float, age_years: float, sex: Sex) -> float:
    """Energy spent at a mean heart rate; never negative. Keytel et al. 2005, doi 10.1080/02640410470001730089
    (without VO₂max).

    kJ/min men: -55.0969 + 0.6309 HR + 0.1988 kg + 0.2017 years; women: -20.4022 + 0.4472 HR - 0.1263 kg +
    0.074 years; sex unspecified: the mean of both. Meant for 90-150 bpm.

    Criticism: heat, drift and excitement raise the heart rate and count as work here; of two people alike in all that
    it knows the fitter one spends more at the same heart rate.
    """
    male = -55.0969 + 0.6309 * mean_heart_rate_bpm + 0.1988 * mass_kg + 0.2017 * age_years
    female = -20.4022 + 0.4472 * mean_heart_rate_bpm - 0.1263 * mass_kg + 0.074 * age_years
    kj_min = {"male": male, "female": female, "unspecified": (male + female) / 2}[sex]
    return max(0.0, kj_min) * duration_s / 60.0 / 4.184
