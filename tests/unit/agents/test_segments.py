"""What the agent ``segments`` reads, says, and leaves alone."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from schemas import hot
from stridelog.projections import segments as projection
from tests.roads import START_US
from tests.segment_world import SegmentWorld, expected, lifted, removed, street, way, workout, workout_id, zone

HILL = street("Hill", (0, 0), (1000, 0))
LANE = street("Lane", (0, 500), (1000, 500))
ABROAD = street("Abroad", (90_000, 0), (91_000, 0))
OVER_THE_HILL = way((-50, 0), (1050, 0))
BOTH = way((-50, 0), (1050, 0), (1050, 500), (1060, 500), (1060, 1200), (-50, 1200), (-50, 500), (1050, 500))
ELSEWHERE = way((60_000, 0), (61_000, 0))
TRACKS = {workout_id(0): OVER_THE_HILL, workout_id(1): BOTH, workout_id(2): ELSEWHERE}
ADA = ("ada", workout_id(0))


def names(world: SegmentWorld) -> dict[str, list[str]]:
    """By workout the segments that are said to be passed."""
    known = {one.data.segment_id: one.data.name for one in (HILL, LANE, ABROAD)}
    return {wid: [known[segment_id] for segment_id, *_ in efforts] for (_, wid), efforts in world.said().items()}


def test_a_workout_has_the_efforts_on_the_segments_that_are_there() -> None:
    world = SegmentWorld(TRACKS).say(HILL, LANE, ABROAD, workout(0), workout(1), workout(2)).rest()
    assert names(world) == {workout_id(0): ["Hill"], workout_id(1): ["Hill", "Lane"]}
    assert world.said() == expected(world.log, TRACKS)
    ((segment_id, start, end, hidden),) = world.said()[ADA]
    assert not hidden
    assert (segment_id, start) == (HILL.data.segment_id, START_US + 10_000_000)
    assert end - start == pytest.approx(200_000_000, abs=10_000)


def test_a_segment_that_comes_late_is_looked_for_in_the_tracks_that_were_near_and_in_no_other() -> None:
    world = SegmentWorld(TRACKS).say(workout(0), workout(1), workout(2)).rest()
    world.read.clear()
    world.say(HILL).rest()
    assert names(world) == {workout_id(0): ["Hill"], workout_id(1): ["Hill"]}
    assert world.read == [workout_id(0), workout_id(1)]


def test_workouts_that_know_a_segment_are_not_read_again_for_it() -> None:
    world = SegmentWorld(TRACKS).say(HILL, workout(0))
    world.take("workout-summaries")  # before the segment
    world.take("segments")
    world.say(workout(1, user="ada"))
    world.take("workout-summaries")  # after the segment, and before the work
    world.read.clear()
    world.rest()
    assert world.read == [workout_id(0)]


def test_a_removed_segment_takes_its_efforts_with_it_and_no_track_is_read() -> None:
    world = SegmentWorld(TRACKS).say(HILL, LANE, workout(0), workout(1)).rest()
    world.read.clear()
    world.say(removed(HILL, at=5)).rest()
    assert names(world) == {workout_id(1): ["Lane"]}
    assert not world.read
    assert world.messages[-2].data.efforts == (), "said, and not left as it was"


def test_a_segment_that_is_drawn_anew_elsewhere_has_the_efforts_of_its_new_line() -> None:
    world = SegmentWorld(TRACKS).say(HILL, workout(0), workout(2)).rest()
    moved = street("Hill", (60_100, 0), (60_900, 0), at=5)
    world.say(moved).rest()
    assert names(world) == {workout_id(2): ["Hill"]}
    world.say(HILL).rest()  # the older word, late
    assert names(world) == {workout_id(2): ["Hill"]}


@pytest.mark.parametrize("status", ["deleted", "duplicate"])
def test_a_workout_that_does_not_count_any_more_has_no_efforts(status: str) -> None:
    world = SegmentWorld(TRACKS).say(HILL, workout(0)).rest()
    assert names(world) == {workout_id(0): ["Hill"]}
    again = workout(0, status=status)
    world.say(but(again, duplicate_of=workout_id(1)) if status == "duplicate" else again).rest()
    assert names(world) == {}
    world.say(street("Lane", (0, 0), (1000, 0))).rest()  # nor on segments that come later
    assert names(world) == {}


def test_efforts_that_only_a_second_reading_found_stay_when_another_worker_takes_over() -> None:
    world = SegmentWorld(TRACKS).say(HILL, workout(0))
    world.take("workout-summaries", ending="facts")
    world.take("segments")
    world.take("workout-summaries")
    world.rest()
    world.start()
    world.say(LANE).rest()
    assert names(world) == {workout_id(0): ["Hill"]}


def test_efforts_that_only_a_second_reading_found_are_taken_back_when_the_segment_goes() -> None:
    world = SegmentWorld(TRACKS).say(HILL, workout(0))
    world.take("workout-summaries", ending="facts")
    world.take("segments")
    world.take("workout-summaries")  # again: now there is a segment, and the facts of this span are written
    assert names(world) == {workout_id(0): ["Hill"]}
    world.start()
    world.say(street("Hill", (60_100, 0), (60_900, 0), at=5)).rest()
    assert world.said() == {}


def test_a_workout_in_the_shadow_of_a_flag_has_no_efforts_until_it_is_reinstated() -> None:
    world = SegmentWorld(TRACKS).say(HILL, but(workout(0), shadowed=True)).rest()
    assert names(world) == {}
    world.say(workout(0)).rest()
    assert names(world) == {workout_id(0): ["Hill"]}


def test_a_workout_has_efforts_by_the_positions_of_another_recording_that_is_fused_into_it() -> None:
    fused = but(workout(2), channel_sources=(hot.ChannelSource(channel="position", workout_id=workout_id(0)),))
    world = SegmentWorld(TRACKS).say(HILL, fused).rest()
    assert names(world) == {workout_id(2): ["Hill"]}
    world.say(street("Climb", (0, 0), (900, 0))).rest()  # it comes late
    assert [len(efforts) for efforts in world.said().values()] == [2]
    world.say(workout(2)).rest()  # the other recording was deleted
    assert names(world) == {}


def test_of_several_recordings_with_positions_the_fullest_counts() -> None:
    ids = (workout_id(0), workout_id(3))
    sources = tuple(hot.ChannelSource(channel="position", workout_id=one) for one in ids)
    short = OVER_THE_HILL.between(START_US, START_US + 60_000_000)
    for ways in ((short, OVER_THE_HILL), (OVER_THE_HILL, short)):
        world = SegmentWorld(dict(zip(ids, ways, strict=True)))
        world.say(HILL, but(workout(0), channel_sources=sources)).rest()
        assert names(world) == {workout_id(0): ["Hill"]}
        world.say(street("Climb", (0, 0), (900, 0))).rest()  # it comes late
        assert [len(efforts) for efforts in world.said().values()] == [2]


def test_samples_of_a_clock_that_was_reset_pass_segments_too() -> None:
    wrong = replace(OVER_THE_HILL, time_us=OVER_THE_HILL.time_us - 9_000 * 86_400_000_000)
    world = SegmentWorld({workout_id(0): wrong}).say(HILL, workout(0)).rest()
    assert names(world) == {workout_id(0): ["Hill"]}
    ((_, start, end, _),) = world.said()[ADA]
    ((_, right_start, right_end, _),) = SegmentWorld(TRACKS).say(HILL, workout(0)).rest().said()[ADA]
    assert end - start == right_end - right_start
    data = workout(0).data
    assert data.start <= start < end <= data.end


def but(summary: hot.WorkoutSummarised, **changed: Any) -> hot.WorkoutSummarised:
    """A summary that says something else."""
    return msgspec.structs.replace(summary, data=msgspec.structs.replace(summary.data, **changed))


def hidden(world: SegmentWorld) -> dict[str, list[bool]]:
    """By workout which of its efforts are for the athlete alone."""
    return {wid: [is_hidden for *_, is_hidden in efforts] for (_, wid), efforts in world.said().items()}


@pytest.mark.parametrize("where", [(0, 0), (500, 150), (1000, -50)], ids=["start", "way", "finish"])
def test_efforts_on_a_segment_of_which_a_zone_hides_some_are_for_the_athlete_alone(where: tuple[int, int]) -> None:
    world = SegmentWorld(TRACKS).say(HILL, workout(0), workout(1, user="ben")).rest()
    world.read.clear()
    world.say(zone(0, *where)).rest()
    assert hidden(world) == {workout_id(0): [True], workout_id(1): [False]}, "in the athlete's own zone"
    world.say(lifted(0, at=5)).rest()
    assert hidden(world) == {workout_id(0): [False], workout_id(1): [False]}
    assert not world.read, "no track is read for it"


def test_a_zone_elsewhere_hides_no_effort_and_says_nothing() -> None:
    world = SegmentWorld(TRACKS).say(HILL, workout(0)).rest().say(zone(0, 0, 3_000)).rest()
    assert hidden(world) == {workout_id(0): [False]}
    assert len(world.messages) == 1


def test_a_zone_that_came_first_hides_efforts_on_segments_that_come_late() -> None:
    world = SegmentWorld(TRACKS).say(zone(0, 0, 0), workout(1)).rest().say(LANE, HILL).rest()
    assert names(world) == {workout_id(1): ["Hill", "Lane"]}
    assert hidden(world)[workout_id(1)][0]


def test_a_workout_of_another_sport_is_timed_on_the_segments_of_that_sport() -> None:
    ride = street("Lane", (0, 0), (1000, 0), family="cycling")
    world = SegmentWorld(TRACKS).say(HILL, ride, workout(0)).rest()
    assert names(world) == {workout_id(0): ["Hill"]}
    world.say(workout(0, sport="cycling")).rest()
    assert names(world) == {workout_id(0): ["Lane"]}


def test_samples_that_come_late_are_matched_when_the_workout_is_summarised_again() -> None:
    world = SegmentWorld({}).say(HILL, workout(0)).rest()
    assert not world.messages
    world.tracks = TRACKS
    world.say(workout(0)).rest()
    assert names(world) == {workout_id(0): ["Hill"]}


def test_the_same_records_twice_say_nothing_new() -> None:
    world = SegmentWorld(TRACKS).say(HILL, workout(0)).rest()
    world.say(HILL, workout(0)).rest()
    assert len(world.messages) == 1
    assert not world.log["segment-checks"]


def test_work_is_done_some_workouts_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "AT_ONCE", 2)
    tracks = {workout_id(index): OVER_THE_HILL for index in range(7)}
    workouts = [workout(index, user="ada" if index < 5 else "ben") for index in range(7)]
    world = SegmentWorld(tracks).say(*workouts).rest().say(HILL)
    world.take("segments")
    world.read.clear()
    reads = []
    for _ in range(5):
        before = len(world.read)
        world.take("segment-checks")
        reads.append(len(world.read) - before)
    assert max(reads) == 2
    assert sum(reads) == 7, "each once"
    assert world.positions["segment-checks"] == len(world.log["segment-checks"]), "and no work is left"
    assert world.said() == expected(world.log, tracks)
