"""Completed workouts become summaries and features.

In, keyed by user: user events (profiles, zones), workout events, samples stored. Out: a summary and the features as of
the workout's end as messages, and the read model in MongoDB. A workout's completion, its samples, edits and deletion
may come in any order, twice, or days late: facts are kept, and what they touch is worked out again from all of them.
"""

from domain.workouts import Completion, Correction, Deletion, Erasure, Profile, Summarised
from domain.zones import ZoneSetting
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.joining import Join
from stridelog.readers import SamplesReader


@agent(
    role="workouts",
    stores=("mongo",),
    facts=(Profile, ZoneSetting, Completion, Correction, Deletion, Erasure, Summarised),
    resources=(SamplesReader,),
    registered_users_only=True,
)
async def workouts(batch: Batch, context: Context) -> Writes:
    """Keep the batch's facts, read the samples of the workouts that they touch, and say what became of these."""
    join = Join(context.state, batch.span)
    dropped = join.keep(batch.records)
    async for tracks in context.resource(SamplesReader).tracks(join.touched()):
        join.summarise(tracks)
    messages, documents = join.work_out()
    return Writes(mongo=documents, messages=messages, dropped=dropped)
