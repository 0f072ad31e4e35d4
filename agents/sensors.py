"""Sensor frames become samples, minutes and live sessions.

In: sensor frames, keyed by user; workout events, to know what a live session is and when it ends; user events, to know
who is registered and where heart rate zones begin. Out: ClickHouse ``samples`` and ``minute_partials``, live sessions
and the live board in Redis; then *samples stored* for each workout, so that whoever waits for its samples can read
them. Where raw samples are not kept, there are neither samples nor this news. Frames come twice, overlap and are late:
rows are keyed by what they say, not by when they came.
"""

from schemas import hot
from schemas.frames import unpack_columns
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.live import LiveBatch, threshold_commands
from stridelog.projections.samples import partial_rows, sample_rows, samples_stored
from stridelog.readers import LiveReader, RawSamples


@agent(
    role="sensors",
    stores=("clickhouse", "redis"),
    resources=(RawSamples, LiveReader),
    registered_users_only=True,
    batches_at_once=3,  # a batch is tens of megabytes of columns
)
async def sensors(batch: Batch, context: Context) -> Writes:
    """Unpack the frames into columns once, and write the columns; go on with the sessions that stand in Redis."""
    frames = batch.of(hot.SensorFrame)
    columns = unpack_columns([frame for _, frame in frames])
    live = LiveBatch(batch, columns)
    sessions = live.commands(await context.resource(LiveReader).standing(live.users), context.keys)
    commands = [*threshold_commands(batch, context.keys), *sessions]
    if not frames:
        return Writes(redis=commands)
    kept = context.resource(RawSamples).kept
    minutes = partial_rows(frames, columns, batch.span)
    return Writes(
        clickhouse=[sample_rows(frames, columns, batch.span), minutes] if kept else [minutes],
        redis=commands,
        messages=samples_stored(frames) if kept else [],
    )
