"""Workout summaries become training days in ClickHouse.

In: the last word on each workout, keyed by user. Out: ``training_days``, a row for each athlete and local day with its
load, what it adds up to (acute and chronic load, fitness, fatigue, form…) and how far the longest run went. A late
workout, an edit or a deletion writes its own day and those after it again.
"""

from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.efforts import BoardFact, keep
from stridelog.projections.training import day_rows


@agent(role="workouts", stores=("clickhouse",), facts=(BoardFact,))
async def training(batch: Batch, context: Context) -> Writes:
    """Work out the days that the batch changes, from all workouts of their users."""
    kept = keep(batch, context.state)
    return Writes(clickhouse=[day_rows(kept, context.state, batch.span.partition)], dropped=kept.dropped)
