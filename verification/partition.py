"""One partition number of all topics: what is compared right away, and what is kept for the comparison as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from domain.achievement_rules import Rule
from domain.boards import BoardKey
from domain.copies import Lookalike, Marked
from domain.fusing import Priorities
from schemas import hot
from verification import (
    achievements,
    announced,
    athletes,
    boards,
    challenges,
    feeds,
    groups,
    lake,
    live,
    samples,
    scores,
    segments,
    thresholds,
    tracks,
    training,
    wellness,
    workouts,
)
from verification.copies import Copies, note_copies
from verification.dead_letters import Letter, check_letters
from verification.feeds import Feeds
from verification.live import LiveSession
from verification.log import LogRecord
from verification.outcomes import PartitionLog, Valid
from verification.rank_changes import Said, note_said
from verification.scores import ScoreCheck
from verification.stores.clickhouse import ClickHouse
from verification.tables import compare_tables
from verification.tally import Tally, compare
from verification.withdrawals import Takings

USER_EVENTS: Final = (
    hot.UserRegistered,
    hot.ProfileChanged,
    hot.ZonesSet,
    hot.UserErased,
    hot.ConsentChanged,
    hot.InjuryReported,
    hot.PrivacyZoneSet,
    hot.PrivacyZoneRemoved,
    hot.VisibilityChanged,
)
WORKOUT_EVENTS: Final = (
    hot.WorkoutCompleted,
    hot.WorkoutEdited,
    hot.WorkoutAppealed,
    hot.WorkoutReviewed,
    hot.WorkoutDeleted,
)
SOCIAL_EVENTS: Final = (
    hot.Followed,
    hot.Unfollowed,
    hot.Blocked,
    hot.Unblocked,
    hot.KudosGiven,
    hot.CommentPosted,
    hot.CommentDeleted,
)


@dataclass
class Kept:
    """What stores that are not divided by partition must hold, from all partitions."""

    minutes: list[pa.Table] = field(default_factory=list)
    board_scores: list[pa.Table] = field(default_factory=list)
    efforts: list[pa.Table] = field(default_factory=list)  # on segments
    rankings: dict[BoardKey, dict[str, float]] = field(default_factory=dict)
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by workout id
    feeds: Feeds = field(default_factory=Feeds)
    achievements: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)  # by document and award id
    rank_changes: Said = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    live: dict[str, dict[str, LiveSession]] = field(default_factory=dict)  # by user and workout
    thresholds: dict[str, dict[str, float]] = field(default_factory=dict)
    lake: dict[str, list[pa.Table]] = field(default_factory=dict)  # by table
    marked: list[Marked] = field(default_factory=list)  # workouts whose tracks have marks
    lookalikes: dict[tuple[str, str], tuple[int, Lookalike]] = field(default_factory=dict)  # by workout, as is said
    copies: Copies = field(default_factory=dict)
    groups: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by group id
    memberships: dict[tuple[str, str], str] = field(default_factory=dict)  # by user and group id
    challenges: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by challenge id
    challenge_scores: list[pa.Table] = field(default_factory=list)
    goals: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by document id


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
    priorities: Priorities  # of recordings of one activity
    fan_out_most: int  # followers of those whose workouts are written to each follower's feed
    kept_at_s: float  # when rankings and live sessions must not have expired
    kept: Kept = field(default_factory=Kept)

    def check(self, log: PartitionLog, letters: Sequence[Letter], unreadable: Sequence[LogRecord]) -> int:
        """Compare; returns how many source records are dead."""
        frames = log.seen_by("sensors", hot.SensorFrame)
        readings = log.seen_by("sensors", hot.SensorFrame, hot.ReadingsDeleted)
        takings = Takings.of(readings)
        found = self._samples(log, frames, takings)
        self._announcements(log, frames, takings)
        self._wellness(log, frames, found, takings)
        self._workouts(log, found)
        self._boards(log)
        self._feeds(log)
        self._challenges(log)
        self._achievements(log)
        self._segments(log, found)
        self._scores(log)
        self._lake(log)
        note_copies(self.kept.copies, log)
        people = athletes.athlete_table(log.seen_by("athletes", *USER_EVENTS))
        self._table("athletes", people, athletes.ATHLETE_KEY, log.number, "NOT deleted")
        self.kept.names |= live.display_names(log.seen_by("rankings", *USER_EVENTS))
        self._live(log, readings, takings)
        return check_letters(self.tallies["dead-letters"], log, letters, unreadable)

    def _live(self, log: PartitionLog, readings: Sequence[Valid], takings: Takings) -> None:
        users = log.seen_by("sensors", *USER_EVENTS)
        events = log.seen_by("sensors", hot.WorkoutStarted, *WORKOUT_EVENTS)
        self.kept.thresholds |= live.thresholds(users)
        self.kept.live |= live.live_sessions(readings, takings, events, users, since_s=self.kept_at_s)

    def _samples(self, log: PartitionLog, frames: Sequence[Valid], takings: Takings) -> samples.Samples:
        found, columns = samples.deduplicated(frames, takings)
        self._table("samples", found.table(), samples.SAMPLE_KEY, log.number)
        partials = samples.minute_partials(frames, columns, takings)
        self._table("minute_partials", partials, samples.PART_KEY, log.number)
        self.kept.minutes.append(samples.minutes(partials))
        return found

    def _announcements(self, log: PartitionLog, frames: Sequence[Valid], takings: Takings) -> None:
        read = log.carrying("SamplesStored")
        compare(
            self.tallies["topic.samples-stored"],
            announced.expected_announcements(frames),
            announced.found_announcements(list(read.of(hot.SamplesStored)), read.records, frames, takings),
        )

    def _wellness(self, log: PartitionLog, frames: Sequence[Valid], found: samples.Samples, takings: Takings) -> None:
        read, said = log.carrying("WearStored"), wellness.expected_wear(frames)
        beats = wellness.beats_of(frames, takings)
        compare(
            self.tallies["topic.samples-stored"],
            said,
            wellness.found_wear(list(read.of(hot.WearStored)), read.records, frames, takings),
        )
        self._table("rr_intervals", wellness.interval_table(beats), wellness.INTERVAL_KEY, log.number)
        self._table("wellness_days", wellness.day_table(said, found, beats), wellness.DAY_KEY, log.number)

    def _workouts(self, log: PartitionLog, found: samples.Samples) -> None:
        facts = workouts.facts_of(
            log.seen_by("workouts", *USER_EVENTS),
            log.seen_by("workouts", *WORKOUT_EVENTS),
        )
        spans = found.tracks()
        lookalikes = tracks.said_lookalikes(log.carrying("LookalikeFound").valid)
        summaries: dict[tuple[str, str], Any] = {}
        features: dict[tuple[str, str], Any] = {}
        marks: dict[tuple[str, str], Any] = {}
        for user, known_facts in facts.items():
            known = workouts.known_workouts(
                user,
                known_facts,
                lambda user, wid: found.track(spans[user, wid]) if (user, wid) in spans else workouts.NO_SAMPLES,
                self.privacy_key,
                self.priorities,
                {key: other for key, (_, other) in lookalikes.items()},
            )
            for wid, one in known.items():
                summaries[user, wid] = (one.zone, one.summary)
                features[user, wid] = (one.zone, one.features)
                if one.marks is not None and one.marks.digest:
                    marks[user, wid] = (one.zone, one.marks, one.marks.digest)
                document = one.document(user)
                if document is not None:
                    self.kept.documents[wid] = document
        self._last_words("topic.workout-summaries", summaries, log, "WorkoutSummarised")
        self._last_words("topic.training-features", features, log, "FeaturesComputed")
        self._tracks(log, marks, lookalikes)

    def _tracks(
        self,
        log: PartitionLog,
        expected: dict[tuple[str, str], Any],
        lookalikes: Mapping[tuple[str, str], tuple[int, Lookalike]],
    ) -> None:
        records = log.carrying("TrackMarked").valid
        said = tracks.said_marks(records)
        marked = {(user, wid): tracks.marked_of(user, data) for (user, wid), (_, data) in said.items()}
        found = {key: (zone, marked[key], data.digest) for key, (zone, data) in said.items()}
        compare(self.tallies["topic.track-marks"], expected, found)
        table = tracks.marks_table(records, said)
        self._table("track_marks", table, boards.WORKOUT_KEY, log.number, "NOT deleted")
        self._table("lookalikes", tracks.lookalikes_table(lookalikes), boards.WORKOUT_KEY, log.number, "NOT deleted")
        self.kept.marked += marked.values()
        self.kept.lookalikes |= lookalikes

    def _last_words(self, name: str, expected: dict[tuple[str, str], Any], log: PartitionLog, message: str) -> None:
        last = boards.last_of(log.carrying(message).valid)
        compare(self.tallies[name], expected, {key: (r.message.zone, r.message.data) for key, r in last.items()})

    def _boards(self, log: PartitionLog) -> None:
        last = boards.last_of(log.carrying("WorkoutSummarised").valid)
        self._table("workouts", boards.workout_table(last), boards.WORKOUT_KEY, log.number)
        days = training.day_table(boards.counted(last))
        self._table("training_days", days, training.DAY_KEY, log.number, "NOT deleted")
        self._thresholds(log, last)
        by_user = boards.board_scores(boards.ranked_efforts(last))
        table = boards.score_table(by_user)
        self._table("board_scores", table, boards.SCORE_KEY, log.number, "NOT deleted")
        self.kept.board_scores.append(table)
        for key, members in boards.rankings(by_user, kept_at_s=self.kept_at_s).items():
            self.kept.rankings.setdefault(key, {}).update(members)
        note_said(self.kept.rank_changes, log.carrying("RankChanged").valid)

    def _thresholds(self, log: PartitionLog, last: boards.Last) -> None:
        evidence = thresholds.evidence_of(last)
        stated = thresholds.stated_by(log.seen_by("thresholds", *USER_EVENTS))
        history = thresholds.history_table(evidence, stated)
        self._table("threshold_history", history, thresholds.HISTORY_KEY, log.number, "NOT deleted")
        compare(
            self.tallies["topic.thresholds"],
            thresholds.newest(evidence),
            thresholds.last_said(log.carrying("ThresholdEstimated").valid),
        )

    def _feeds(self, log: PartitionLog) -> None:
        chosen = log.seen_by("feed", hot.VisibilityChanged, hot.PrivacyZoneSet, hot.PrivacyZoneRemoved)
        events = [*log.seen_by("feed", *SOCIAL_EVENTS), *chosen]
        summaries = log.carrying("WorkoutSummarised").valid
        feeds.expect_first_weeks(self.kept.feeds, summaries)
        last = boards.last_of(summaries)
        feeds.expect(self.kept.feeds, last, feeds.social_of(events), self.fan_out_most, self.privacy_key)

    def _challenges(self, log: PartitionLog) -> None:
        clubs = groups.groups_of(log.seen_by("groups", *groups.MESSAGES))
        standings = challenges.standings(log.seen_by("challenges", *challenges.DEFINED), clubs)
        if not log.number:  # all partitions have the same copies, or "copies" says otherwise
            self.kept.groups |= {id: groups.shown(group) for id, group in clubs.items()}
            self.kept.memberships |= {(u, id): role for id, one in clubs.items() for u, role in one.members.items()}
            for user, id in self.kept.memberships:
                self.kept.feeds.groups.setdefault(user, set()).add(id)
            self.kept.challenges |= challenges.challenge_documents(standings)
        last = boards.last_of(log.carrying("WorkoutSummarised").valid)
        said, erasures = log.seen_by("challenges", *challenges.SAID), log.seen_by("challenges", hot.UserErased)
        facts = challenges.Log(last, clubs, standings, said, erasures)
        parts, goals = challenges.parts(facts), challenges.goals(facts)
        table = challenges.part_table(parts)
        self._table("challenge_scores", table, challenges.PART_KEY, log.number, "NOT deleted")
        self.kept.challenge_scores.append(table)
        self.kept.goals |= dict(goal.document for goal in goals)
        compare(
            self.tallies["topic.targets"],
            {(one.user, one.target_id): (one.said, one.zone) for one in challenges.targets(facts, parts, goals)},
            challenges.last_said(log.carrying("TargetReached").valid),
        )

    def _achievements(self, log: PartitionLog) -> None:
        last = boards.last_of(log.carrying("WorkoutSummarised").valid)
        reached = challenges.last_said(log.carrying("TargetReached").valid)
        found = list(achievements.awards(last, reached, self.rules))
        compare(
            self.tallies["topic.achievements"],
            {(one.user, one.award_id): (one.shown, one.zone) for one in found},
            achievements.last_said(log.carrying("AchievementEarned").valid),
        )
        self.kept.achievements.update({(one.document, one.award_id): {**one.shown, "zone": one.zone} for one in found})

    def _segments(self, log: PartitionLog, found: samples.Samples) -> None:
        words = segments.last_words(log.carrying("SegmentDefined").valid)
        summaries = boards.last_of(log.carrying("WorkoutSummarised").valid)
        spans = found.tracks()
        zones = log.seen_by("segments", hot.PrivacyZoneSet, hot.PrivacyZoneRemoved)
        places = segments.hidden_places(zones, self.privacy_key)
        expected = segments.expected_efforts(
            words, summaries, places, lambda user, wid: found.track(spans[user, wid]) if (user, wid) in spans else None
        )
        said = segments.said_efforts(boards.last_of(log.carrying("SegmentEffortsFound").valid))
        compare(self.tallies["topic.segment-efforts"], expected, said)
        efforts = segments.effort_table(said)
        self._table("segment_efforts", efforts, segments.EFFORT_KEY, log.number, "NOT deleted")
        self.kept.efforts.append(efforts)
        if log.number == segments.WRITER:
            self._table("segments", segments.segment_table(words), segments.SEGMENT_KEY, log.number)

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
