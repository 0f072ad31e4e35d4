"""Features become recommendations.

In: features as of each workout's end, keyed by user. Out: the three best things to do next as a message and as rows in
ClickHouse. One prediction a batch, by the champion of the registry. Without a model nothing is recommended.
"""

from models.live import LiveRecommend
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes, nothing_for
from stridelog.projections.scores import recommendations, scorable


@agent(role="models", stores=("clickhouse",), resources=(LiveRecommend,))
async def recommend(batch: Batch, context: Context) -> Writes:
    """Rank the candidates for the users of the batch."""
    model = context.resource(LiveRecommend).current
    if model is None:
        return nothing_for(batch, "no_model")
    messages = scorable(batch, model)
    if not messages:
        return nothing_for(batch, "not_scorable")
    rows, ready = recommendations(messages, model, batch.span.partition)
    return Writes(clickhouse=rows, messages=ready)
