"""Workouts are compared with those of all athletes, and copies are found.

In: comparisons that are due, keyed by the workout's athlete, and what it has said itself. The index of all tracks is
read. Out: of the workouts that say the same as one, the one that was accepted first; and comparisons that are due of
others, whose athletes may be of any partition.
"""

from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.copies import Compared, Comparisons
from stridelog.track_reader import TrackReader


@agent(role="workouts", facts=(Compared,), resources=(TrackReader,))
async def copies(batch: Batch, context: Context) -> Writes:
    """Compare the batch's workouts, and say what has changed."""
    comparisons = Comparisons(batch, context.state)
    for some in comparisons.portions():
        await comparisons.compare(some, context.resource(TrackReader))
    return Writes(messages=comparisons.found, elsewhere=comparisons.checks)
