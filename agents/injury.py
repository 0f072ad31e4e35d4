"""Features become injury risks.

In: features as of each workout's end, keyed by user. Out: the risk as a message and as a row in ClickHouse. One
prediction a batch, by the champion of the registry; a new champion is taken up between two batches. Without a model
nothing is scored.
"""

from models.live import LiveInjury
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes, nothing_for
from stridelog.projections.scores import injury_scores, scorable


@agent(role="models", stores=("clickhouse",), resources=(LiveInjury,))
async def injury(batch: Batch, context: Context) -> Writes:
    """Score the batch."""
    model = context.resource(LiveInjury).current
    if model is None:
        return nothing_for(batch, "no_model")
    messages = scorable(batch, model)
    if not messages:
        return nothing_for(batch, "not_scorable")
    rows, scored = injury_scores(messages, model, batch.span.partition)
    return Writes(clickhouse=rows, messages=scored)
