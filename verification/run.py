"""The whole verification: partition number by partition number, then what is compared as a whole."""

import contextlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, Protocol

import pyarrow as pa

from stridelog import topics as topic_table
from stridelog.achievements_file import rules_of
from stridelog.errors import UserError
from stridelog.fusing_file import priorities_of
from stridelog.privacy_key import privacy_key_of
from stridelog.settings import Settings
from stridelog.topics import Topics
from verification import boards, challenges, copies, lake, models, rank_changes, samples, segments, tracks
from verification.dead_letters import Letter, read_letters
from verification.feed_documents import check_feeds
from verification.items import compare_stream
from verification.live import LiveSession, live_boards
from verification.log import Log, LogRecord
from verification.outcomes import PartitionLog, decode
from verification.partition import PartitionCheck
from verification.report import Outcomes, Report
from verification.scores import ScoreCheck
from verification.settle import Settled, settle
from verification.stores.clickhouse import ClickHouse
from verification.stores.delta import latest_rows
from verification.stores.mongo import Mongo
from verification.stores.redis import Redis
from verification.tables import compare_tables
from verification.tally import Tally, compare

SINKS: Final = (
    "clickhouse.samples",
    "clickhouse.rr_intervals",
    "clickhouse.minute_partials",
    "clickhouse.minute_rollups",
    "clickhouse.board_scores",
    "clickhouse.boards",
    "clickhouse.athletes",
    "clickhouse.workouts",
    "clickhouse.training_days",
    "clickhouse.segments",
    "clickhouse.segment_efforts",
    "clickhouse.segment_board",
    "clickhouse.threshold_history",
    "clickhouse.wellness_days",
    "clickhouse.injury_scores",
    "clickhouse.recommendations",
    "clickhouse.track_marks",
    "clickhouse.lookalikes",
    "clickhouse.challenge_scores",
    "clickhouse.challenge_ranks",
    "clickhouse.challenge_teams",
    "mongo.workouts",
    "mongo.feeds",
    "mongo.timelines",
    "mongo.circles",
    "mongo.seen",
    "mongo.achievements",
    "mongo.groups",
    "mongo.memberships",
    "mongo.challenges",
    "mongo.goals",
    "redis.rankings",
    "redis.names",
    "redis.live",
    "redis.live-boards",
    "redis.thresholds",
    "delta.training_features",
    "delta.injuries",
    "delta.predictions",
    "topic.samples-stored",
    "topic.workout-summaries",
    "topic.training-features",
    "topic.track-marks",
    "topic.lookalikes",
    "topic.injury-risk",
    "topic.recommendations-ready",
    "topic.achievements",
    "topic.targets",
    "topic.segment-efforts",
    "topic.thresholds",
    "topic.rank-changes",
    "dead-letters",
    "copies",
)
"""Everything that is compared, in the order in which it is shown."""
PARTITIONED: Final = (
    "samples",
    "rr_intervals",
    "minute_partials",
    "board_scores",
    "athletes",
    "workouts",
    "training_days",
    "segments",
    "segment_efforts",
    "threshold_history",
    "wellness_days",
    "injury_scores",
    "recommendations",
    "challenge_scores",
    "track_marks",
    "lookalikes",
)
EXPIRY_MARGIN_S: Final = 30.0
"""What expires within so many seconds of now may be there or not."""
LAKE_KEYS: Final = {
    "training_features": lake.FEATURES_KEY,
    "injuries": lake.INJURIES_KEY,
    "predictions": lake.PREDICTIONS_KEY,
}


class Progress(Protocol):
    """Whom a verification tells how far it is."""

    def say(self, text: str) -> None:
        """What is being done now."""

    def step(self, done: int, total: int) -> None:
        """How much of the work is done."""


async def verify(
    settings: Settings, progress: Progress, *, only: Collection[str] = (), show: int = 0, settle_s: float = 60.0
) -> Report:
    """Recompute from the log what every store must hold, and compare; ``only`` limits what is compared.

    Waits up to ``settle_s`` seconds for the agents first, and keeps ``show`` differences of each kind and store. Raises
    ``UserError`` for a name that is none, and when Kafka or a store does not answer.
    """
    if unknown := sorted(set(only) - set(SINKS)):
        raise UserError(f"nothing to verify is called {', '.join(unknown)}: there are {', '.join(SINKS)}")
    topics = topic_table.load(prefix=settings.topic_prefix)
    report = Report({name: Tally(show) for name in SINKS})
    with _stores(settings) as (clickhouse, mongo, redis):
        async with Log(settings.bootstrap) as log:
            settled = await settle(settings, topics, log, settle_s, progress.say)
            report.lags = settled.lags
            report.notes += settled.lines()
            check = PartitionCheck(
                tallies=report.sinks,
                clickhouse=clickhouse,
                injury=ScoreCheck(models.loader("injury", settings), report.sinks["topic.injury-risk"]),
                recommend=ScoreCheck(models.loader("recommend", settings), report.sinks["topic.recommendations-ready"]),
                first_score_ms=await _first_scores(log, topics, settled),
                rules=rules_of(settings),
                privacy_key=privacy_key_of(settings),
                fan_out_most=settings.feed_fan_out_most,
                priorities=priorities_of(settings),
                kept_at_s=redis.now_s(),
            )
            numbers = sorted({partition for _, partition in settled.ends})
            for number in numbers:
                progress.say(f"partition {number}")
                progress.step(number, len(numbers) + 1)
                await _check_partition(check, log, topics, settled, number, report)
            progress.say("what is not divided by partition")
            progress.step(len(numbers), len(numbers) + 1)
            _check_whole(check, report.sinks, settings, clickhouse, mongo, redis, len(numbers))
            _check_strays(report.sinks, clickhouse, len(numbers))
            grown = sum((await log.ends(topic.name for topic in topics)).values()) - sum(settled.ends.values())
    if not report.sinks["copies"].ok:
        report.notes.append("partitions lack copies of what concerns everyone: run stridelog topics complete")
    if grown:
        report.notes.append(f"the log grew by {grown:,} records meanwhile: differences may be of these")
    for version, count in (check.injury.notes | check.recommend.notes).items():
        report.notes.append(f"{count:,} scores of {version} were not computed again: the registry does not give it")
    if only:
        report.sinks = {name: tally for name, tally in report.sinks.items() if name in only}
    return report


@contextlib.contextmanager
def _stores(settings: Settings) -> Iterator[tuple[ClickHouse, Mongo, Redis]]:
    """The stores, seen to answer before hours of work are put into a comparison."""
    with contextlib.ExitStack() as stack:
        mongo, redis = Mongo(settings), Redis(settings)
        stack.callback(mongo.close)
        stack.callback(redis.close)
        mongo.ping()
        redis.now_s()
        yield stack.enter_context(ClickHouse(settings)), mongo, redis


async def _first_scores(log: Log, topics: Topics, settled: Settled) -> dict[str, float]:
    """When the first score of each kind was logged (ms); infinite: never."""
    first: dict[str, float] = {}
    for message in ("InjuryRiskScored", "RecommendationsReady"):
        name = topics.topic_of_message(message).name
        first[message] = float("inf")
        for (topic, partition), end in settled.ends.items():
            if topic == name:
                records = await log.read(topic, partition, min(end, 1))
                first[message] = min([first[message], *(float(record.timestamp_ms) for record in records)])
    return first


async def _check_partition(
    check: PartitionCheck, log: Log, topics: Topics, settled: Settled, number: int, report: Report
) -> None:
    partition = PartitionLog(topics, number)
    letters: list[Letter] = []
    unreadable: list[LogRecord] = []
    for topic in topics:
        if topic is topics.handled_letters:
            continue  # what operators did about dead letters: no store is made of it
        records = await log.read(topic.name, number, settled.ends.get((topic.name, number), 0))
        if topic.encoding == "original":
            said, others = read_letters(records)
            letters += said
            unreadable += others
        else:
            partition.reads[topic.name] = decode(topic, records)
    refused = [(x.agent, x.topic, x.offset) for x in letters if x.reason == "unknown_user" and x.partition == number]
    partition.judge_users(partition.users(), refused)
    report.dead += check.check(partition, letters, unreadable)
    for name, read in partition.reads.items():
        outcome = report.outcomes.setdefault(name, Outcomes())
        dead = len(read.dead.keys() | set().union(*(o for (_, t), o in partition.refused.items() if t == name)))
        outcome.records += len(read.records)
        outcome.dead += dead
        outcome.valid += len(read.records) - dead


def _check_whole(
    check: PartitionCheck,
    tallies: Mapping[str, Tally],
    settings: Settings,
    clickhouse: ClickHouse,
    mongo: Mongo,
    redis: Redis,
    partitions: int,
) -> None:
    kept = check.kept
    minutes = pa.concat_tables(kept.minutes)
    compare_tables(
        tallies["clickhouse.minute_rollups"], minutes, clickhouse.view("minute_rollups", minutes), samples.MINUTE_KEY
    )
    ranked = boards.ranked(pa.concat_tables(kept.board_scores))
    compare_tables(tallies["clickhouse.boards"], ranked, clickhouse.view("boards", ranked), boards.SCORE_KEY)
    places = segments.board_table(pa.concat_tables(kept.efforts))
    found_places = clickhouse.view("segment_board", places)
    compare_tables(tallies["clickhouse.segment_board"], places, found_places, segments.BOARD_KEY)
    compare_stream(tallies["mongo.workouts"], dict(kept.documents), mongo.workouts(set(kept.documents)))
    documents = mongo.achievements({document for document, _ in kept.achievements})
    awards = (((document, id), award) for document, held in documents for id, award in held.items())
    compare_stream(tallies["mongo.achievements"], kept.achievements, awards)
    groups_of = _check_clubs(check, tallies, clickhouse, mongo)
    check_feeds(tallies, kept.feeds, mongo, groups_of)
    _check_redis(check, tallies, redis)
    compare(tallies["topic.lookalikes"], tracks.expected_lookalikes(kept.marked), kept.lookalikes)
    compare(tallies["copies"], copies.expected_copies(kept.copies, partitions), copies.found_copies(kept.copies))
    for name, tables in kept.lake.items():
        expected = pa.concat_tables(tables)
        found = latest_rows(settings, name, expected, LAKE_KEYS[name])
        compare_tables(tallies[f"delta.{name}"], expected, found, LAKE_KEYS[name])


def _check_clubs(
    check: PartitionCheck, tallies: Mapping[str, Tally], clickhouse: ClickHouse, mongo: Mongo
) -> dict[str, Collection[str]]:
    """Returns the groups of each user as ``memberships`` has them."""
    kept = check.kept
    parts = pa.concat_tables(kept.challenge_scores)
    for view, expected, key in (
        ("challenge_ranks", challenges.ranked(parts), challenges.PART_KEY),
        ("challenge_teams", challenges.teams(parts), challenges.TEAM_KEY),
    ):
        compare_tables(tallies[f"clickhouse.{view}"], expected, clickhouse.view(view, expected), key)
    for name, documents in (("groups", kept.groups), ("challenges", kept.challenges), ("goals", kept.goals)):
        compare_stream(tallies[f"mongo.{name}"], dict(documents), mongo.plain(name, set(documents)))
    of_users = dict(mongo.plain("memberships", {user for user, _ in kept.memberships}))
    roles = (((user, id), role) for user, one in of_users.items() for id, role in one.get("groups", {}).items())
    compare_stream(tallies["mongo.memberships"], dict(kept.memberships), roles)
    return {user: one.get("groups", {}).keys() for user, one in of_users.items()}


def _check_redis(check: PartitionCheck, tallies: Mapping[str, Tally], redis: Redis) -> None:
    kept = check.kept
    rankings, now_s = redis.rankings(), redis.now_s()
    steady = {
        board for board in kept.rankings.keys() | rankings.keys() if _is_steady(boards.kept_until_s(board), now_s)
    }
    compare(tallies["redis.rankings"], _members(kept.rankings, steady), _members(rankings, steady))
    kept_on = {board for board in kept.rank_changes if boards.kept_until_s(board[0]) > now_s + EXPIRY_MARGIN_S}
    compare(
        tallies["topic.rank-changes"],
        rank_changes.expected_heads({board: scores for board, scores in kept.rankings.items() if board in steady}),
        rank_changes.found_heads({key: said for key, said in kept.rank_changes.items() if key in kept_on}),
    )
    compare(tallies["redis.names"], kept.names, redis.names())
    compare(tallies["redis.thresholds"], kept.thresholds, redis.thresholds())
    _check_live(kept.live, tallies, redis)


def _check_live(kept: Mapping[str, Mapping[str, LiveSession]], tallies: Mapping[str, Tally], redis: Redis) -> None:
    """What is over, or about to be, may be there or not."""
    sessions, ranked, now_s = redis.live(), redis.live_boards(), redis.now_s()
    compare(tallies["redis.live"], _going_on(kept, now_s), _going_on(sessions, now_s))
    # A user is on the boards of earlier minutes than those of their last frame by what was then.
    since = {user: max(one.minutes.start for one in by_workout.values()) for user, by_workout in kept.items()}
    first = (now_s + EXPIRY_MARGIN_S) // 60  # the minutes before it may have expired
    compare(
        tallies["redis.live-boards"],
        {(*board, user): v for board, m in live_boards(kept).items() if board[1] >= first for user, v in m.items()},
        {
            (*board, user): v
            for board, members in ranked.items()
            if board[1] >= first
            for user, v in members.items()
            if board[1] >= since.get(user, 0)
        },
    )


def _going_on(
    sessions: Mapping[str, Mapping[str, LiveSession]], now_s: float
) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {
        (user, id): one.fields
        for user, by_workout in sessions.items()
        for id, one in by_workout.items()
        if one.over_s > now_s + EXPIRY_MARGIN_S
    }


def _is_steady(until_s: float, now_s: float) -> bool:
    """Whether what expires at ``until_s`` is for certain there, or for certain gone."""
    return abs(until_s - now_s) > EXPIRY_MARGIN_S


def _members(rankings: Mapping[Any, Mapping[str, float]], steady: Collection[Any]) -> dict[tuple[Any, str], float]:
    return {(tuple(b), user): s for b, scores in rankings.items() if b in steady for user, s in scores.items()}


def _check_strays(tallies: Mapping[str, Tally], clickhouse: ClickHouse, partitions: int) -> None:
    """Rows that say that they are from a partition that does not exist."""
    for name in PARTITIONED:
        strays = clickhouse.count(name, f"source_partition >= {partitions}")
        if strays:
            tally = tallies[f"clickhouse.{name}"]
            tally.found += strays
            tally.note("extra", f"{strays} rows of partitions from {partitions} on")
            tally.extra += strays - 1
