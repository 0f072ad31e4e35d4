"""Who did the workout: physiology as of a time, with documented defaults for what nobody told us."""

from dataclasses import dataclass
from typing import Final, Literal

Sex = Literal["female", "male", "unspecified"]

DEFAULT_AGE_YEARS: Final = 40.0
DEFAULT_MASS_KG: Final[dict[Sex, float]] = {"female": 63.0, "male": 77.0, "unspecified": 70.0}
DEFAULT_HR_REST_BPM: Final = 60.0
LTHR_SHARE_OF_RESERVE: Final = 0.85


@dataclass(frozen=True, slots=True)
class Athlete:
    """Physiology of one athlete as it was at the time of a workout; ``None`` where unknown.

    The ``..._or_default`` methods say what a formula uses instead. There is no honest default for functional
    threshold power and threshold speed: formulas that need them return ``None`` without them.
    """

    sex: Sex = "unspecified"
    birth_year: int | None = None
    mass_kg: float | None = None
    hr_max_bpm: float | None = None
    hr_rest_bpm: float | None = None
    lthr_bpm: float | None = None  # heart rate at the second lactate threshold
    ftp_w: float | None = None  # functional threshold power
    threshold_speed_m_s: float | None = None  # speed that can be held for about an hour

    def age_years(self, year: int) -> float | None:
        """Age at the end of the calendar year ``year``, in years; ``None`` without a birth year."""
        return None if self.birth_year is None else float(max(0, year - self.birth_year))

    def age_or_default(self, year: int) -> float:
        """Age in years, else 40."""
        age = self.age_years(year)
        return DEFAULT_AGE_YEARS if age is None else age

    def mass_or_default(self) -> float:
        """Body mass in kg, else 63 (female), 77 (male) or 70 (unspecified)."""
        return self.mass_kg if self.mass_kg else DEFAULT_MASS_KG[self.sex]

    def hr_max_or_default(self, year: int) -> float:
        """Maximum heart rate in bpm, else 208 - 0.7 * age (Tanaka, Monahan, Seals 2001, doi
        10.1016/S0735-1097(00)01054-8).
        """
        return self.hr_max_bpm if self.hr_max_bpm else 208.0 - 0.7 * self.age_or_default(year)

    def hr_rest_or_default(self) -> float:
        """Resting heart rate in bpm, else 60."""
        return self.hr_rest_bpm if self.hr_rest_bpm else DEFAULT_HR_REST_BPM

    def lthr_or_default(self, year: int) -> float:
        """Heart rate at threshold in bpm, else rest + 85 % of the heart-rate reserve (a convention of this
        project).
        """
        if self.lthr_bpm:
            return self.lthr_bpm
        rest = self.hr_rest_or_default()
        return rest + LTHR_SHARE_OF_RESERVE * max(0.0, self.hr_max_or_default(year) - rest)
