"""Tracks of workouts become efforts on segments.

In: segments (a copy in every partition); keyed by user, the last word on each workout, privacy zones, and work that it
gives to itself. Out: all efforts of a workout as one message, and which of them are for the athlete alone, said anew
when the workout, a segment or a zone has changed. They may come in any order: a segment that comes late is looked for
in what was there before, some of it at a time.
"""

import asyncio

from domain.shown import ZoneChange
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.privacy_key import PrivacyKey
from stridelog.projections.segment_facts import SegmentFact, TrackFact, Visitor
from stridelog.projections.segments import Passes
from stridelog.readers import POSITIONS, SamplesReader


@agent(
    role="workouts",
    facts=(SegmentFact, TrackFact, Visitor, ZoneChange),
    resources=(SamplesReader, PrivacyKey),
)
async def segments(batch: Batch, context: Context) -> Writes:
    """Keep the batch's facts, read the positions of the workouts that they touch, and say what efforts these have."""
    passes = Passes(context.state, batch.span, context.resource(PrivacyKey).key)
    passes.keep(batch)
    async for tracks in context.resource(SamplesReader).tracks(passes.tracks(), POSITIONS):
        for key, track in tracks.items():
            passes.match(*key, track)
            await asyncio.sleep(0)  # others go on meanwhile
    await context.state.also(passes.places())
    return Writes(messages=passes.work_out(), dropped=passes.dropped)
