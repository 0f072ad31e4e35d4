"""Awards from the last summaries, and the last word of the topic."""

from datetime import date
from typing import Any

import msgspec

from domain.achievement_rules import rules_from
from schemas import hot
from schemas.identity import event_id
from tests.unit.verification.conftest import HOUR_US, OTHER, START_US, WORKOUT, TestLog
from tests.unit.verification.test_boards_and_feeds import say, summary
from verification import achievements, boards

RULES = rules_from(
    {
        "achievements": {
            "mile": {
                "kind": "personal_best",
                "version": 2,
                "title": "Fastest mile",
                "text": "The fastest mile.",
                "sport": "running",
                "fastest": "1 mile",
            }
        }
    }
)
AWARD = event_id("Award", "ada", f"mile:2::{OTHER}")


def mile(seconds: float) -> hot.Summary:
    best = hot.BestEffort(kind="distance", name="1 mile", duration_s=seconds, distance_m=1609.344, start_us=START_US)
    return msgspec.structs.replace(summary(), best_efforts=(best,))


def awards(log: TestLog) -> dict[tuple[str, str], achievements.Earned]:
    last = boards.last_of(log.read().carrying("WorkoutSummarised").valid)
    return {(one.document, one.award_id): one for one in achievements.awards(last, {}, RULES)}


def test_awards_come_from_the_best_efforts_of_the_workouts_that_count(log: TestLog) -> None:
    say(log, summary=mile(400.0))
    say(log, OTHER, end=START_US + 2 * HOUR_US, summary=mile(390.0))
    ((key, one),) = awards(log).items()
    assert key == ("ada/mile", AWARD)
    assert one.shown == {
        "achievement": "mile",
        "rule_version": 2,
        "level": "",
        "occasion": OTHER,
        "at": START_US + 2 * HOUR_US,
        "value": 390.0,
        "evidence": (OTHER, WORKOUT),
    }
    say(log, OTHER, end=START_US + 2 * HOUR_US, status="deleted")
    assert awards(log) == {}


def test_the_last_word_on_an_award_counts_and_revoked_ones_are_absent(log: TestLog) -> None:
    fields: dict[str, Any] = {"achievement": "mile", "rule_version": 2, "at": START_US, "evidence": (WORKOUT,)}

    def tell(kind: Any, data: Any, award_id: str, value: float) -> None:
        log.event(kind, data(award_id=award_id, value=value, **fields))

    tell(hot.AchievementEarned, hot.AchievementEarnedData, WORKOUT, 400.0)
    tell(hot.AchievementEarned, hot.AchievementEarnedData, OTHER, 395.0)
    tell(hot.AchievementRevoked, hot.AchievementRevokedData, WORKOUT, 400.0)
    tell(hot.AchievementEarned, hot.AchievementEarnedData, OTHER, 390.0)
    said = achievements.last_said(log.read().carrying("AchievementEarned").valid)
    assert {key: (shown["value"], zone) for key, (shown, zone) in said.items()} == {("ada", OTHER): (390.0, "UTC")}
    assert said["ada", OTHER][0].keys() == {
        "achievement", "rule_version", "level", "occasion", "at", "value", "evidence"
    }  # fmt: skip


def test_days_of_the_log_are_those_of_the_athlete(log: TestLog) -> None:
    say(log, summary=mile(400.0), local_day=date(2026, 11, 17))
    last = boards.last_of(log.read().carrying("WorkoutSummarised").valid)
    daily = rules_from(
        {
            "achievements": {
                "day": {
                    "kind": "challenge",
                    "version": 1,
                    "title": "A workout",
                    "text": "A workout in a day.",
                    "metric": "workouts",
                    "every": "day",
                    "target": 1,
                }
            }
        }
    )
    assert [one.shown["occasion"] for one in achievements.awards(last, {}, daily)] == ["2026-11-17"]
