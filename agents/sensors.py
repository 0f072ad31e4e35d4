"""Sensor frames become samples, minutes and live sessions.

In: sensor frames and deletions of readings, keyed by user; workout events, to know what a live session is and when it
ends; user events, to know who is registered and where heart rate zones begin. Out: ClickHouse ``samples``,
``rr_intervals`` and ``minute_partials``, live sessions and the live board in Redis; then *samples stored* for each
workout, and *wear stored* for each day of all-day wear, so that whoever waits for samples can read them. Where raw
samples are not kept, there are neither samples nor this news. Frames come twice, overlap and are late: rows are keyed
by what they say, not by when they came. What is deleted, or replaced by a higher revision, is a fact about the user: it
holds for what is stored and for what is still to come.
"""

from collections import Counter
from typing import Final

from domain.withdrawals import Withdrawal
from domain.workouts import Erasure
from schemas import hot
from schemas.frames import unpack_columns
from stridelog.agent import Context, agent
from stridelog.arrivals import Arrivals
from stridelog.batch import Batch, Writes
from stridelog.projections.live import LiveBatch
from stridelog.projections.samples import interval_rows, partial_rows, sample_rows, stored
from stridelog.projections.users import Said, ThresholdsSaid, threshold_commands, thresholds_said
from stridelog.projections.users import keep as keep_words
from stridelog.projections.withdrawals import keep, left_of, withdrawals_of, without_taken
from stridelog.readers import LiveReader, RawSamples
from stridelog.stored_readings import StoredReadings

_ABOUT_READINGS: Final = (
    hot.ReadingsDeleted,
    *(hot.WorkoutStarted, hot.WorkoutCompleted, hot.WorkoutDeleted),
)


@agent(
    role="sensors",
    stores=("clickhouse", "redis"),
    facts=(Withdrawal, ThresholdsSaid, Erasure),
    resources=(RawSamples, LiveReader, StoredReadings, Arrivals),
    registered_users_only=True,
    large_at_once=3,  # such a batch is tens of megabytes of columns
)
async def sensors(batch: Batch, context: Context) -> Writes:
    """Unpack the frames into columns once, and write the columns, without what was taken back; go on with the sessions
    that stand in Redis.
    """
    frames = batch.of(hot.SensorFrame)
    new, dropped = keep(batch, context.state)
    said = Said()
    if not frames:  # they are many, and a batch is of one topic
        said = keep_words(batch, context.state, thresholds_said, other="not_for_sensors", beside=_ABOUT_READINGS)
    columns, withdrawals = unpack_columns([frame for _, frame in frames]), withdrawals_of(batch, context.state)
    left = left_of(batch, columns, withdrawals)
    live = LiveBatch(left.batch, left.columns)
    sessions = live.commands(await context.resource(LiveReader).standing(live.users), context.keys)
    commands = [*threshold_commands(said.offsets, context.state, context.keys), *sessions]
    if not frames and not new:
        return Writes(redis=commands, dropped=dropped + said.dropped)
    kept, span = context.resource(RawSamples).kept, batch.span
    raw = [sample_rows(frames, columns, span), *interval_rows(frames, columns, span)] if kept else []
    writes = Writes(
        clickhouse=[*raw, partial_rows(frames, columns, span)],
        redis=commands,
        messages=stored(frames, columns) if kept else [],
        dropped=dropped + Counter(withdrawn=len(batch.records) - len(left.batch.records)),
        timing=context.resource(Arrivals).count(batch.logged(hot.SensorFrame), columns),
    )
    if not withdrawals:
        return writes
    found = [await context.resource(StoredReadings).under(one.user, one.withdrawal) for one in new]
    return without_taken(writes, new, found, withdrawals)
