"""Efforts on segments become boards in ClickHouse.

In: all efforts of each workout, keyed by user, and segments (a copy in every partition). Out: ``segment_efforts``, a
row for each pass, and as deleted those that a workout does not have any more; ``segments``, by partition 0 alone.
"""

from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.segment_boards import EffortsFact, effort_rows, segment_rows
from stridelog.projections.segment_facts import SegmentFact


@agent(role="social", stores=("clickhouse",), facts=(SegmentFact, EffortsFact))
async def segment_boards(batch: Batch, context: Context) -> Writes:
    """Write the batch's segments and efforts."""
    efforts, dropped = effort_rows(batch, context.state)
    return Writes(clickhouse=[*segment_rows(batch, context.state), efforts], dropped=dropped)
