"""Marks of tracks become an index in which copies are found.

In, keyed by user: marks of workouts, and what was found to say the same. Out: ``track_marks`` with the keys by which a
workout is looked up among those of all athletes, ``lookalikes``, and, once the index has them, a comparison that is due
for each workout whose marks have changed.
"""

from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.tracks import KnownMarks, note


@agent(role="workouts", stores=("clickhouse",), facts=(KnownMarks,))
async def tracks(batch: Batch, context: Context) -> Writes:
    """Keep the marks that are new, and say which workouts are to be compared."""
    noted = note(batch, context.state)
    return Writes(clickhouse=noted.rows, messages=noted.checks, dropped=noted.dropped)
