"""Features, labels and predictions become Delta tables, for training.

In, keyed by user: features, injuries among the user events, scores of the models. Out: rows of the Delta tables
``training_features``, ``injuries`` and ``predictions``, appended; what comes later about the same workout has a higher
offset.
"""

from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.scores import training_rows


@agent(role="lake", stores=("delta",))
async def lake(batch: Batch, context: Context) -> Writes:
    """Keep what training needs."""
    return Writes(delta=training_rows(batch))
