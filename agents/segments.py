"""Tracks of workouts become efforts on segments.

In: segments (a copy in every partition), the last word on each workout keyed by user, and work that it gives to itself.
Out: all efforts of a workout as one message, said anew when the workout or a segment has changed. A workout and a
segment may come in any order: a segment that comes late is looked for in what was there before, some of it at a time.
"""

import asyncio

from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.projections.segment_facts import SegmentFact, TrackFact, Visitor
from stridelog.projections.segments import Passes
from stridelog.readers import POSITIONS, SamplesReader


@agent(role="workouts", facts=(SegmentFact, TrackFact, Visitor), resources=(SamplesReader,))
async def segments(batch: Batch, context: Context) -> Writes:
    """Keep the batch's facts, read the positions of the workouts that they touch, and say what efforts these have."""
    passes = Passes(context.state, batch.span)
    passes.keep(batch)
    async for tracks in context.resource(SamplesReader).tracks(passes.tracks(), POSITIONS):
        for key, track in tracks.items():
            passes.match(*key, track)
            await asyncio.sleep(0)  # others go on meanwhile
    await context.state.also(passes.places())
    return Writes(messages=passes.work_out(), dropped=passes.dropped)
