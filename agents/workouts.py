"""Completed workouts become summaries and features.

In, keyed by user: user events (profiles), workout events, samples stored. Out: a summary and the features as of the
workout's end as messages, and the read model in MongoDB. A workout's completion, its samples, edits and deletion may
come in any order, twice, or days late: facts are kept, and what they touch is worked out again from all of them. Of
an activity that was recorded more than once, one recording counts, with each channel from the best of them.
"""

from domain.workouts import Completion, Correction, Deletion, Erasure, Profile, Summarised
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.fusing_file import PrioritiesInForce
from stridelog.joining import Join
from stridelog.readers import SamplesReader


@agent(
    role="workouts",
    stores=("mongo",),
    facts=(Profile, Completion, Correction, Deletion, Erasure, Summarised),
    resources=(SamplesReader, PrioritiesInForce),
    registered_users_only=True,
)
async def workouts(batch: Batch, context: Context) -> Writes:
    """Keep the batch's facts, read the samples of the workouts that they touch, and say what became of these."""
    join = Join(context.state, batch.span, context.resource(PrioritiesInForce).priorities)
    dropped = join.keep(batch.records)
    reader = context.resource(SamplesReader)
    async for tracks in reader.tracks(join.touched()):
        join.summarise(tracks)
    async for tracks in reader.tracks_together(join.to_fuse()):
        join.fuse(tracks)
    messages, documents = join.work_out()
    return Writes(mongo=documents, messages=messages, dropped=dropped, timing=join.timing)
