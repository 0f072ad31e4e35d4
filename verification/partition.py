"""One partition number of all topics: what is compared right away, and what is kept for the comparison as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from domain.achievement_rules import Rule
from domain.boards import BoardKey
from schemas import hot
from verification import achievements, announced, boards, feeds, lake, live, samples, scores, training, workouts
from verification.dead_letters import Letter, check_letters
from verification.feeds import Feeds
from verification.log import LogRecord
from verification.outcomes import PartitionLog, Valid
from verification.scores import ScoreCheck
from verification.stores.clickhouse import ClickHouse
from verification.tables import compare_tables
from verification.tally import Tally, compare

USER_EVENTS: Final = (
    hot.UserRegistered,
    hot.ProfileChanged,
    hot.UserErased,
    hot.ConsentChanged,
    hot.InjuryReported,
    hot.PrivacyZoneSet,
    hot.PrivacyZoneRemoved,
)
WORKOUT_EVENTS: Final = (hot.WorkoutCompleted, hot.WorkoutEdited, hot.WorkoutDeleted)
SOCIAL_EVENTS: Final = (
    hot.Followed,
    hot.Unfollowed,
    hot.Blocked,
    hot.Unblocked,
    hot.KudosGiven,
    hot.CommentPosted,
    hot.CommentDeleted,
    hot.GroupJoined,
    hot.GroupLeft,
)


@dataclass
class Kept:
    """What stores that are not divided by partition must hold, from all partitions."""

    minutes: list[pa.Table] = field(default_factory=list)
    board_scores: list[pa.Table] = field(default_factory=list)
    rankings: dict[BoardKey, dict[str, float]] = field(default_factory=dict)
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by workout id
    feeds: Feeds = field(default_factory=Feeds)
    achievements: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)  # by document and award id
    names: dict[str, str] = field(default_factory=dict)
    live: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)
    lake: dict[str, list[pa.Table]] = field(default_factory=dict)  # by table


@dataclass
class PartitionCheck:
    """Compares one partition number after the other; ``tallies`` by the name of the store."""

    tallies: Mapping[str, Tally]
    clickhouse: ClickHouse
    injury: ScoreCheck
    recommend: ScoreCheck
    first_score_ms: Mapping[str, float]  # by message type
    rules: Sequence[Rule]  # of achievements
    privacy_key: bytes
    fan_out_most: int  # followers of those whose workouts are written to each follower's feed
    kept_at_s: float  # when rankings must not have expired
    kept: Kept = field(default_factory=Kept)

    def check(self, log: PartitionLog, letters: Sequence[Letter], unreadable: Sequence[LogRecord]) -> int:
        """Compare; returns how many source records are dead."""
        frames = log.seen_by("sensors", hot.SensorFrame)
        found = self._samples(log, frames)
        self._announcements(log, frames)
        self._workouts(log, found)
        self._boards(log)
        self._feeds(log)
        self._achievements(log)
        self._scores(log)
        self._lake(log)
        self.kept.names |= live.display_names(log.seen_by("rankings", *USER_EVENTS))
        self.kept.live |= live.live_sessions(frames)
        return check_letters(self.tallies["dead-letters"], log, letters, unreadable)

    def _samples(self, log: PartitionLog, frames: Sequence[Valid]) -> samples.Samples:
        found, columns = samples.deduplicated(frames)
        self._table("samples", found.table(), samples.SAMPLE_KEY, log.number)
        partials = samples.minute_partials(frames, columns)
        self._table("minute_partials", partials, samples.PART_KEY, log.number)
        self.kept.minutes.append(samples.minutes(partials))
        return found

    def _announcements(self, log: PartitionLog, frames: Sequence[Valid]) -> None:
        read = log.carrying("SamplesStored")
        compare(
            self.tallies["topic.samples-stored"],
            announced.expected_announcements(frames),
            announced.found_announcements(read.valid, read.records, frames),
        )

    def _workouts(self, log: PartitionLog, found: samples.Samples) -> None:
        facts = workouts.facts_of(
            log.seen_by("workouts", *USER_EVENTS),
            log.seen_by("workouts", *WORKOUT_EVENTS),
        )
        spans = found.tracks()
        summaries: dict[tuple[str, str], Any] = {}
        features: dict[tuple[str, str], Any] = {}
        for user, known_facts in facts.items():
            known = workouts.known_workouts(
                user,
                known_facts,
                lambda user, wid: found.track(spans[user, wid]) if (user, wid) in spans else workouts.NO_SAMPLES,
                self.privacy_key,
            )
            for wid, one in known.items():
                summaries[user, wid] = (one.zone, one.summary)
                features[user, wid] = (one.zone, one.features)
                document = one.document(user)
                if document is not None:
                    self.kept.documents[wid] = document
        self._last_words("topic.workout-summaries", summaries, log, "WorkoutSummarised")
        self._last_words("topic.training-features", features, log, "FeaturesComputed")

    def _last_words(self, name: str, expected: dict[tuple[str, str], Any], log: PartitionLog, message: str) -> None:
        last = boards.last_of(log.carrying(message).valid)
        compare(self.tallies[name], expected, {key: (r.message.zone, r.message.data) for key, r in last.items()})

    def _boards(self, log: PartitionLog) -> None:
        last = boards.last_of(log.carrying("WorkoutSummarised").valid)
        self._table("workouts", boards.workout_table(last), boards.WORKOUT_KEY, log.number)
        efforts = boards.counted(last)
        self._table("training_days", training.day_table(efforts), training.DAY_KEY, log.number, "NOT deleted")
        by_user = boards.board_scores(efforts)
        table = boards.score_table(by_user)
        self._table("board_scores", table, boards.SCORE_KEY, log.number, "NOT deleted")
        self.kept.board_scores.append(table)
        for key, members in boards.rankings(by_user, kept_at_s=self.kept_at_s).items():
            self.kept.rankings.setdefault(key, {}).update(members)

    def _feeds(self, log: PartitionLog) -> None:
        events = [*log.seen_by("feed", *SOCIAL_EVENTS), *log.seen_by("feed", hot.VisibilityChanged)]
        summaries = log.carrying("WorkoutSummarised").valid
        feeds.expect_first_weeks(self.kept.feeds, summaries)
        last = boards.last_of(summaries)
        feeds.expect(self.kept.feeds, last, feeds.social_of(events), self.fan_out_most)

    def _achievements(self, log: PartitionLog) -> None:
        last = boards.last_of(log.carrying("WorkoutSummarised").valid)
        found = list(achievements.awards(last, self.rules))
        compare(
            self.tallies["topic.achievements"],
            {(one.user, one.award_id): (one.shown, one.zone) for one in found},
            achievements.last_said(log.carrying("AchievementEarned").valid),
        )
        self.kept.achievements.update({(one.document, one.award_id): {**one.shown, "zone": one.zone} for one in found})

    def _scores(self, log: PartitionLog) -> None:
        features = log.carrying("FeaturesComputed").valid
        for check, message in ((self.injury, "InjuryRiskScored"), (self.recommend, "RecommendationsReady")):
            read = log.carrying(message)
            check.check(features, read.valid, read.records, self.first_score_ms[message])
        risks = boards.last_of(log.carrying("InjuryRiskScored").valid)
        ready = boards.last_of(log.carrying("RecommendationsReady").valid)
        self._table("injury_scores", scores.injury_table(risks), boards.WORKOUT_KEY, log.number)
        newest = "(user_id, workout_id, source_offset) IN (SELECT user_id, workout_id, max(source_offset) FROM {table} "
        newest += "GROUP BY user_id, workout_id)"
        self._table(
            "recommendations", scores.recommendation_table(ready), scores.RECOMMENDATION_KEY, log.number, newest
        )

    def _lake(self, log: PartitionLog) -> None:
        last = boards.last_of(log.carrying("FeaturesComputed").valid)
        risks, ready = log.carrying("InjuryRiskScored").valid, log.carrying("RecommendationsReady").valid
        for name, table in (
            ("training_features", lake.features_table(last)),
            ("injuries", lake.injuries_table(log.seen_by("lake", hot.InjuryReported))),
            ("predictions", lake.predictions_table(risks, ready)),
        ):
            self.kept.lake.setdefault(name, []).append(table)

    def _table(self, name: str, expected: pa.Table, key: Sequence[str], partition: int, where: str = "1") -> None:
        """Compare one ClickHouse table's rows of the partition."""
        tally = self.tallies.get(f"clickhouse.{name}")
        if tally is not None:
            found = self.clickhouse.rows(name, expected, where=f"source_partition = {partition} AND {where}")
            compare_tables(tally, expected, found, key)
