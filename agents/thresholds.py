"""Best efforts and profiles become the history of each athlete's thresholds in ClickHouse.

In, keyed by user: the last word on each workout; user events, for what athletes state. Out: ``threshold_history``, a
row for each kind, origin (estimated, stated) and local day on which it changed, with its evidence; and the newest
estimate of each kind as a message. A workout that comes late, is edited or deleted takes its evidence along.
"""

from domain.workouts import Erasure
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.evidence import EvidenceFact, StatementFact, keep
from stridelog.projections.thresholds import history_rows, newest_estimates


@agent(role="workouts", stores=("clickhouse",), facts=(EvidenceFact, StatementFact, Erasure))
async def thresholds(batch: Batch, context: Context) -> Writes:
    """Keep the batch's evidence, and write the spans of the histories that it changes."""
    kept = keep(batch, context.state)
    rows = history_rows(kept, context.state, batch.span.partition)
    return Writes(clickhouse=[rows], messages=newest_estimates(kept, context.state), dropped=kept.dropped)
