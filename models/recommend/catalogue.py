"""What can be recommended: kinds of workouts in families of sports, and rest."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from domain.sports import FAMILIES, Family, Sport
from models.rows import FeatureRows

WorkoutKind = Literal["easy", "long", "tempo", "interval", "recovery", "strength", "rest"]

ENDURANCE_KINDS: Final[tuple[WorkoutKind, ...]] = ("easy", "long", "tempo", "interval", "recovery")
GENTLE_KINDS: Final[frozenset[WorkoutKind]] = frozenset({"recovery", "rest"})
"""All that is recommended to somebody who has just done far more than usual."""

_SPORT_OF: Final[dict[Family, Sport]] = {
    "running": "running",
    "walking": "walking",
    "cycling": "cycling",
    "ebike": "ebike",
    "swimming": "swimming",
    "rowing": "rowing",
    "snow": "cross_country_skiing",
    "skating": "skating",
    "gym": "strength",
    "ball": "football",
    "other": "other",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something to do next. Rest has no family."""

    kind: WorkoutKind
    family: Family | None

    @property
    def sport(self) -> Sport:
        """The sport that stands for the family."""
        return _SPORT_OF[self.family] if self.family else "other"

    @property
    def name(self) -> str:
        """Unique name, such as ``tempo.running``."""
        return f"{self.kind}.{self.family}" if self.family else self.kind


REST: Final = Candidate("rest", None)
CANDIDATES: Final[tuple[Candidate, ...]] = (
    *(Candidate(kind, family) for family in FAMILIES if family != "gym" for kind in ENDURANCE_KINDS),
    Candidate("strength", "gym"),
    REST,
)
INDEX: Final[dict[Candidate, int]] = {candidate: index for index, candidate in enumerate(CANDIDATES)}
_FAMILY_COLUMNS: Final = tuple(f"family_{family}" for family in FAMILIES)
_HISTORY_LEAST: Final = 3


def families_of(rows: FeatureRows) -> NDArray[np.int64]:
    """Index in ``FAMILIES`` of each row's workout, (n,)."""
    columns = np.column_stack([rows.column(name) for name in _FAMILY_COLUMNS])
    return np.asarray(np.argmax(columns, axis=1), dtype=np.int64)


def kinds_done(rows: FeatureRows) -> NDArray[np.int64]:
    """Which candidate each row's workout was, (n,): its duration and its load an hour against the medians of the
    athlete's own earlier workouts of the family (fewer than three: easy). The gym is strength.
    """
    family = families_of(rows)
    hours = np.nan_to_num(rows.column("moving_time_this_s").astype(np.float64)) / 3600
    load = np.nan_to_num(rows.column("load_this").astype(np.float64))
    intensity = np.divide(load, hours, out=np.zeros(len(rows)), where=hours > 0)
    done = np.empty(len(rows), dtype=np.int64)
    starts = rows.user_starts()
    for first, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        for each in np.unique(family[first:end]).tolist():
            own = first + np.flatnonzero(family[first:end] == each)
            for place, row in enumerate(own.tolist()):
                past = own[:place]
                kind: WorkoutKind = "easy"
                if FAMILIES[each] == "gym":
                    kind = "strength"
                elif place >= _HISTORY_LEAST:
                    kind = kind_of(
                        _ratio(hours[row], float(np.median(hours[past]))),
                        _ratio(intensity[row], float(np.median(intensity[past]))),
                    )
                done[row] = INDEX[Candidate(kind, FAMILIES[each])]
    return done


def kind_of(duration_ratio: float, intensity_ratio: float) -> WorkoutKind:
    """The kind of an endurance workout from its duration and its load an hour, each divided by what is usual for the
    athlete.
    """
    if intensity_ratio >= 1.25:
        return "interval"
    if duration_ratio >= 1.4:
        return "long"
    if intensity_ratio >= 1.1:
        return "tempo"
    if duration_ratio <= 0.75 and intensity_ratio <= 0.95:
        return "recovery"
    return "easy"


def _ratio(value: float, usual: float) -> float:
    return value / usual if usual > 0 else 1.0
