"""What the rules of integrity are given and what they answer: a case, and flags with reason and evidence."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from domain.athlete import Athlete
from domain.copies import Lookalike
from domain.integrity_limits import Race
from domain.integrity_motion import Motion
from domain.summary import Summary
from domain.track import US_PER_S, Track

RuleName = Literal[
    "vehicle",
    "motor_assistance",
    "beyond_record",
    "position_jumps",
    "copied_track",
    "impossible_total",
    "two_places",
]
Decision = Literal["flagged", "noted"]

# A changed rule or limit gets the next number: history can then be judged again, and old flags keep their reason.
VERSIONS: Final[dict[RuleName, int]] = {
    "vehicle": 1,
    "motor_assistance": 1,
    "beyond_record": 1,
    "position_jumps": 1,
    "copied_track": 1,
    "impossible_total": 1,
    "two_places": 1,
}

# Below 30 % of the heart-rate reserve exercise is "very light" (Garber et al. 2011, Med Sci Sports Exerc 43,
# 1334-1359).
VERY_LIGHT_RESERVE: Final = 0.30


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where in the workout (UTC, microseconds), the figure found and the limit it passed, both in ``unit``."""

    start_us: int
    end_us: int
    value: float
    limit: float
    unit: str


@dataclass(frozen=True, slots=True)
class Flag:
    """What one rule says against a workout.

    ``"flagged"`` keeps it off the boards until it is reviewed. ``"noted"`` tells the organiser and changes nothing: the
    original that others copied, jumps that the distance leaves out.
    """

    rule: RuleName
    version: int
    decision: Decision
    reason: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another workout of the same user that overlaps in time and is no copy (:mod:`domain.duplicates`)."""

    workout_id: str
    accepted_us: int
    track: Track


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule needs besides the workout's own samples. ``accepted_us`` is when the log took the workout."""

    user: str
    workout_id: str
    accepted_us: int
    start_us: int
    end_us: int
    pauses: tuple[tuple[int, int], ...] = ()
    lookalike: Lookalike | None = None  # of those that there are, the one that was accepted first
    elsewhere: tuple[Elsewhere, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One workout, as the rules look at it."""

    track: Track
    summary: Summary
    sport: str
    race: Race | None
    athlete: Athlete
    context: Context
    motion: Motion | None

    @property
    def very_light_bpm(self) -> float:
        """The heart rate up to which exercise is very light, by what is known of the athlete."""
        year = datetime.fromtimestamp(self.context.start_us // US_PER_S, UTC).year
        rest, most = self.athlete.hr_rest_or_default(), self.athlete.hr_max_or_default(year)
        return rest + VERY_LIGHT_RESERVE * max(0.0, most - rest)

    def whole(self, value: float, limit: float, unit: str) -> Evidence:
        """Evidence that is the whole workout."""
        return Evidence(self.context.start_us, self.context.end_us, value, limit, unit)


def flag_of(rule: RuleName, reason: str, evidence: Evidence, *, flagged: bool = True) -> Flag:
    """What a rule says, by the version that it has now."""
    return Flag(rule, VERSIONS[rule], "flagged" if flagged else "noted", reason, evidence)


def kmh(speed_m_s: float) -> str:
    """A speed in the words of a reason."""
    return f"{speed_m_s * 3.6:.1f} km/h"


def minutes(span_us: int) -> str:
    """A span in the words of a reason."""
    return f"{span_us / US_PER_S / 60.0:.0f} min"


def clock(duration_s: float) -> str:
    """A time as a result list writes it: 7:05, 2:00:35."""
    whole_minutes, seconds = divmod(round(duration_s), 60)
    hours, left = divmod(whole_minutes, 60)
    return f"{hours}:{left:02d}:{seconds:02d}" if hours else f"{whole_minutes}:{seconds:02d}"
