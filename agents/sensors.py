"""Sensor frames become samples, minutes and live sessions.

In: sensor frames and deletions of readings, keyed by user; user events, to know who is registered. Out: ClickHouse
``samples`` and ``minute_partials``, the live session in Redis; then *samples stored* for each workout, so that whoever
waits for its samples can read them. Where raw samples are not kept, there are neither samples nor this news. Frames
come twice, overlap and are late: rows are keyed by what they say, not by when they came. What is deleted, or replaced
by a higher revision, is a fact about the user: it holds for what is stored and for what is still to come.
"""

from domain.withdrawals import Withdrawal
from schemas import hot
from schemas.frames import unpack_columns
from stridelog.agent import Context, agent
from stridelog.arrivals import Arrivals
from stridelog.batch import Batch, Writes
from stridelog.projections.live import live_sessions
from stridelog.projections.samples import partial_rows, sample_rows, samples_stored
from stridelog.projections.withdrawals import keep, withdrawals_of, without_taken
from stridelog.readers import RawSamples
from stridelog.stored_readings import StoredReadings


@agent(
    role="sensors",
    stores=("clickhouse", "redis"),
    facts=(Withdrawal,),
    resources=(RawSamples, StoredReadings, Arrivals),
    registered_users_only=True,
    batches_at_once=3,  # a batch is tens of megabytes of columns
)
async def sensors(batch: Batch, context: Context) -> Writes:
    """Unpack the frames into columns once, and write the columns, without what was taken back."""
    frames = batch.of(hot.SensorFrame)
    if not frames and not batch.of(hot.ReadingsDeleted):
        return Writes()
    new, dropped = keep(batch, context.state)
    columns = unpack_columns([frame for _, frame in frames])
    kept = context.resource(RawSamples).kept
    minutes = partial_rows(frames, columns, batch.span)
    writes = Writes(
        clickhouse=[sample_rows(frames, columns, batch.span), minutes] if kept else [minutes],
        redis=live_sessions(batch.logged(hot.SensorFrame), columns, context.keys),
        messages=samples_stored(frames) if kept else [],
        dropped=dropped,
        timing=context.resource(Arrivals).count(batch.logged(hot.SensorFrame), columns),
    )
    withdrawals = withdrawals_of(batch, context.state)
    if not withdrawals:
        return writes
    stored = [await context.resource(StoredReadings).under(one.user, one.withdrawal) for one in new]
    return without_taken(writes, batch, columns, new, stored, withdrawals, context.keys)
