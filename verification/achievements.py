"""From the workouts that boards rank, and targets, to achievements, and what the topic says of them last."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from domain.achievement_facts import Award, Done, Fact, Workout
from domain.achievement_rules import Rule
from domain.achievements import earned
from domain.efforts import BestEffort
from schemas import hot
from schemas.identity import event_id
from verification.boards import Last, effort_of
from verification.integrity import believed
from verification.outcomes import Valid


class Earned(NamedTuple):
    """One award of one user, as documents and messages show it; ``zone`` is that of the workout that earned it."""

    user: str
    award_id: str
    shown: dict[str, Any]
    zone: str

    @property
    def document(self) -> str:
        """The id of the document that has it."""
        return f"{self.user}/{self.shown['achievement']}"


Reached = Mapping[tuple[str, str], tuple[Mapping[str, Any], str]]
"""By user and target the data and the zone of the last message about it."""


def awards(last: Last, reached: Reached, rules: Iterable[Rule]) -> Iterator[Earned]:
    """All that users have earned with the workouts that boards rank and the targets that they have reached."""
    facts: dict[str, list[Fact]] = {}
    zones: dict[tuple[str, str], str] = {}
    for (user, workout_id), record in last.items():
        if believed(record.message.data):
            facts.setdefault(user, []).append(_workout(record.message.data))
            zones[user, workout_id] = record.message.zone
    for (user, target_id), (said, zone) in reached.items():
        facts.setdefault(user, []).append(Done(target_id, said["deed"], said["at"], said["local_day"]))
        zones[user, target_id] = zone
    listed = tuple(rules)
    for user, done in facts.items():
        for award in earned(listed, done):
            zone = zones[user, award.evidence[0]]
            yield Earned(user, event_id("Award", user, award.key), _shown(award), zone)


def last_said(messages: Iterable[Valid]) -> dict[tuple[str, str], tuple[dict[str, Any], str]]:
    """By user and award the data and the zone of the last message, of awards that were not revoked."""
    said: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}
    for _, _, message in messages:
        data = message.data
        if isinstance(message, hot.AchievementRevoked):
            said.pop((message.user, data.award_id), None)
        else:
            shown = {name: getattr(data, name) for name in data.__struct_fields__ if name != "award_id"}
            said[message.user, data.award_id] = shown, message.zone
    return said


def _workout(data: hot.WorkoutSummarisedData) -> Workout:
    best = data.summary.best_efforts if data.summary else ()
    return Workout(
        effort_of(data),
        tuple(BestEffort(b.kind, b.name, b.duration_s, b.distance_m, b.power_w, b.start_us) for b in best),
    )


def _shown(award: Award) -> dict[str, Any]:
    return {
        "achievement": award.achievement,
        "rule_version": award.version,
        "level": award.level,
        "occasion": award.occasion,
        "at": award.at_us,
        "value": award.value,
        "evidence": award.evidence,
    }
