"""Efforts are a function of what was said: not of its order, its batches, nor of workers that die."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.segment_world import (
    TOPICS,
    WRITTEN,
    SegmentWorld,
    expected,
    lifted,
    removed,
    street,
    way,
    workout,
    workout_id,
    zone,
)

HILL, LANE = street("Hill", (0, 0), (1000, 0)), street("Lane", (0, 500), (1000, 500))
BLOCK = street("Block", (200, 0), (800, 0), (800, 500), (200, 500))
FAR = street("Hill", (30_000, 0), (30_800, 0), at=7)
SEGMENTS = [HILL, LANE, BLOCK, FAR, removed(LANE, at=3), removed(HILL, at=5), removed(BLOCK, at=-5)]
LANE_AGAIN = street("Lane", (0, 500), (1000, 500), at=9)
TRACKS = {
    workout_id(0): way((-50, 0), (1050, 0)),
    workout_id(1): way((-50, 0), (1050, 0), (1050, 250), (-60, 250), (-60, 500), (1050, 500)),
    workout_id(2): way((100, 0), (800, 0), (800, 500), (100, 500)),
    workout_id(3): way((29_900, 0), (30_900, 0), (29_900, 0)),
}
ZONES = [zone(0, 1_400, 0), zone(0, 0, 500, at=2), lifted(0, at=4), zone(1, 500, 950)]
SUMMARIES = [
    *(workout(index, user="ada" if index < 2 else "ben") for index in range(4)),
    workout(0, status="deleted"),
    workout(1, sport="cycling"),
    workout(1),
    workout(3, user="ben"),
]


@st.composite
def deliveries(draw: st.DrawFn) -> SegmentWorld:
    """Words and summaries, said and delivered in any order, with workers that die on the way."""
    words = draw(st.permutations([*SEGMENTS, LANE_AGAIN]))[: draw(st.integers(1, 8))]
    zones = draw(st.permutations(ZONES))[: draw(st.integers(0, 3))]
    summaries = draw(st.lists(st.sampled_from(SUMMARIES), min_size=1, max_size=8))
    world = SegmentWorld(TRACKS).say(*words, *zones, *summaries)
    step = st.tuples(st.sampled_from(TOPICS), st.integers(1, 3), st.sampled_from(sorted(WRITTEN) + ["done"] * 4))
    for topic, size, ending in draw(st.lists(step, max_size=14)):
        world.take(topic, size, ending)
    return world.rest(draw(st.integers(1, 4)))


@settings(max_examples=150, deadline=None)
@given(deliveries())
def test_the_last_word_on_each_workout_is_that_of_all_segments_and_summaries(delivered: SegmentWorld) -> None:
    assert delivered.said() == expected(delivered.log, TRACKS)


@settings(max_examples=50, deadline=None)
@given(deliveries())
def test_a_worker_that_reads_it_all_again_ends_with_the_same_words(delivered: SegmentWorld) -> None:
    delivered.marks = dict.fromkeys(delivered.marks, 0)
    delivered.start()
    delivered.rest()
    assert delivered.said() == expected(delivered.log, TRACKS)
