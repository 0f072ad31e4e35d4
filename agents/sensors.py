"""Sensor frames become samples, minutes and live sessions.

In: sensor frames, keyed by user; user events, to know who is registered. Out: ClickHouse ``samples``, ``rr_intervals``
and ``minute_partials``, the live session in Redis; then *samples stored* for each workout, and *wear stored* for each
day of all-day wear, so that whoever waits for samples can read them. Where raw samples are not kept, there are neither
samples nor this news. Frames come twice, overlap and are late: rows are keyed by what they say, not by when they came.
"""

from schemas import hot
from schemas.frames import unpack_columns
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.live import live_sessions
from stridelog.projections.samples import interval_rows, partial_rows, sample_rows, stored
from stridelog.readers import RawSamples


@agent(
    role="sensors",
    stores=("clickhouse", "redis"),
    resources=(RawSamples,),
    registered_users_only=True,
    batches_at_once=3,  # a batch is tens of megabytes of columns
)
async def sensors(batch: Batch, context: Context) -> Writes:
    """Unpack the frames into columns once, and write the columns."""
    frames = batch.of(hot.SensorFrame)
    if not frames:
        return Writes()
    columns = unpack_columns([frame for _, frame in frames])
    kept, span = context.resource(RawSamples).kept, batch.span
    raw = [sample_rows(frames, columns, span), *interval_rows(frames, columns, span)] if kept else []
    return Writes(
        clickhouse=[*raw, partial_rows(frames, columns, span)],
        redis=live_sessions(batch.logged(hot.SensorFrame), columns, context.keys),
        messages=stored(frames, columns) if kept else [],
    )
