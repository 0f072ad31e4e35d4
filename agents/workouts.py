"""Completed workouts become summaries and features.

In, keyed by user: user events (profiles, heart rate and other zones, privacy zones, audiences), workout events, samples
stored, and which other workouts say the same. Out: a summary, also of the part that others see, the features as of the
workout's end and the marks of its track as messages, and the read model in MongoDB; with what the rules of integrity,
the athlete and a reviewer say of it. A workout's completion, its samples, edits, appeals, reviews and deletion may come
in any order, twice, or days late: facts are kept, and what they touch is worked out again from all of them. Of an
activity that was recorded more than once, one recording counts, with each value from the best that has it.
"""

from domain.copies import SaidLookalike
from domain.feeds import ChosenAudiences
from domain.shown import ZoneChange
from domain.workouts import Appeal, Completion, Correction, Deletion, Erasure, Profile, Review, Summarised
from domain.zones import ZoneSetting
from stridelog.agent import Context, agent
from stridelog.batch import Batch, Writes
from stridelog.fusing_file import PrioritiesInForce
from stridelog.joining import Join
from stridelog.privacy_key import PrivacyKey
from stridelog.readers import SamplesReader


@agent(
    role="workouts",
    stores=("mongo",),
    facts=(
        Profile,
        ZoneSetting,
        ZoneChange,
        ChosenAudiences,
        Completion,
        Correction,
        Appeal,
        Review,
        SaidLookalike,
        Deletion,
        Erasure,
        Summarised,
    ),
    resources=(SamplesReader, PrivacyKey, PrioritiesInForce),
    registered_users_only=True,
)
async def workouts(batch: Batch, context: Context) -> Writes:
    """Keep the batch's facts, read the samples of the workouts that they touch, and say what became of these."""
    key, priorities = context.resource(PrivacyKey).key, context.resource(PrioritiesInForce).priorities
    join = Join(context.state, batch.span, key, priorities)
    dropped = join.keep(batch.records)
    async for tracks in context.resource(SamplesReader).tracks_together(join.touched()):
        join.summarise(tracks)
    messages, documents = join.work_out()
    return Writes(mongo=documents, messages=messages, dropped=dropped, flags=join.flagged, timing=join.timing)
