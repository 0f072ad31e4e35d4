"""A log of segments and summaries, the tracks that were recorded, and the agent ``segments`` over stores in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final, Literal

import numpy as np

from agents import segments
from domain.distance import EARTH_RADIUS_M
from domain.privacy_zones import HiddenCircle, PrivacyZone, extra_m, hidden_circle
from domain.segments import CORRIDOR_M, Segment, match
from domain.sports import family_of
from domain.track import Track, track_from_columns
from schemas import hot
from sinks.base import Fact, Span
from sinks.keys import Keys
from stridelog.agent import Context
from stridelog.batch import Batch, Record
from stridelog.privacy_key import PrivacyKey
from stridelog.projections.segment_facts import drawn
from stridelog.readers import SamplesReader
from stridelog.state import State, everyone
from tests.messages import segment, summarised
from tests.roads import START_US, along, on_map, ran

PARTITION: Final = 3
TOPICS: Final = ("user-events", "segments", "workout-summaries", "segment-checks")
KEY: Final = b"k" * 32
Ending = Literal["done", "facts", "nothing"]
WRITTEN: Final[dict[Ending, tuple[str, ...]]] = {
    "done": ("facts", "topic"),
    "facts": ("facts",),
    "nothing": (),
}
"""What of a batch is written when a worker dies in it: topics come last."""
Corners = Sequence[tuple[float, float]]
Said = dict[tuple[str, str], list[tuple[str, int, int, bool]]]


def street(name: str, *corners: tuple[float, float], at: int = 0, family: Any = "running") -> hot.SegmentDefined:
    """A segment along straight lines, in metres east and north of 60° N, 10° E, said at a second."""
    latitudes, longitudes = on_map(*along(corners, 20.0))
    points = tuple(zip(latitudes.tolist(), longitudes.tolist(), strict=True))
    return segment(name, points, time_us=START_US + at * 1_000_000, family=family)


def removed(of: hot.SegmentDefined, *, at: int) -> hot.SegmentRemoved:
    """The removal of a segment."""
    data = hot.SegmentRemovedData(segment_id=of.data.segment_id)
    return hot.SegmentRemoved.of(
        user="ben", time=START_US + at * 1_000_000, zone="UTC", source="test", producer="test", data=data
    )


def zone(number: int, x_m: float, y_m: float, *, at: int = 0, radius_m: Any = 400) -> hot.PrivacyZoneSet:
    """A privacy zone of ada's at metres east and north of 60° N, 10° E, set at a second."""
    latitudes, longitudes = on_map(np.array([x_m]), np.array([y_m]))
    data = hot.PrivacyZoneSetData(
        zone_id=workout_id(number),
        latitude_deg=float(latitudes[0]),
        longitude_deg=float(longitudes[0]),
        radius_m=radius_m,
    )
    return hot.PrivacyZoneSet.of(
        user="ada", time=START_US + at * 1_000_000, zone="UTC", source="test", producer="test", data=data
    )


def lifted(number: int, *, at: int) -> hot.PrivacyZoneRemoved:
    """The end of a zone."""
    data = hot.PrivacyZoneRemovedData(zone_id=workout_id(number))
    return hot.PrivacyZoneRemoved.of(
        user="ada", time=START_US + at * 1_000_000, zone="UTC", source="test", producer="test", data=data
    )


def workout(index: int, *, user: str = "ada", sport: str = "running", status: Any = "counted") -> hot.WorkoutSummarised:
    """The summary of a workout; its track begins when it does."""
    return summarised(workout_id(index), START_US, user=user, sport=sport, status=status)


def workout_id(index: int) -> str:
    """The id of a workout."""
    return f"{index:08d}-0000-4000-8000-000000000000"


def way(*corners: tuple[float, float]) -> Track:
    """The track of somebody who runs from corner to corner, without error."""
    time_us, latitude_deg, longitude_deg = ran(*corners)
    return track_from_columns(time_us, latitude_deg=latitude_deg, longitude_deg=longitude_deg)


class SegmentWorld:
    """The stores of the agent, each with watermarks, and a worker."""

    def __init__(self, tracks: Mapping[str, Track]) -> None:
        self.tracks = dict(tracks)
        self.log: dict[str, list[Any]] = {topic: [] for topic in TOPICS}
        self.marks = {(store, topic): 0 for store in ("facts", "topic") for topic in TOPICS}
        self.facts: dict[tuple[str, str, str], Fact] = {}
        self.messages: list[hot.SegmentEffortsFound] = []
        self.read: list[str] = []  # workouts whose track was read
        self.start()

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        """What the worker asks for."""
        return {user: [fact for fact in self.facts.values() if fact.user == user] for user in users}

    def start(self) -> None:
        """Another worker takes over, where the stores are."""
        reader = SimpleNamespace(tracks=self._tracks)
        state = State(self, segments.facts, 100, [everyone(PARTITION)])
        self.context = Context(state, Keys("test"), {SamplesReader: reader, PrivacyKey: SimpleNamespace(key=KEY)})
        self.positions = {topic: min(self.marks[store, topic] for store in ("facts", "topic")) for topic in TOPICS}

    def say(self, *messages: Any) -> "SegmentWorld":
        """Append to the log."""
        for message in messages:
            self.log[_topic_of(message)].append(message)
        return self

    def take(self, topic: str, size: int = 1_000, ending: Ending = "done") -> None:
        """A batch of a topic, if there is anything."""
        first, end = self.positions[topic], len(self.log[topic])
        if first == end:
            return
        span = Span(topic, PARTITION, first, min(first + size, end))
        records = [Record(span.first + i, 0, message) for i, message in enumerate(self.log[topic][first : span.next])]
        asyncio.run(self._process(Batch(span, records), WRITTEN[ending]))
        self.positions[topic] = span.next
        if ending != "done":
            self.start()

    def rest(self, size: int = 1_000) -> "SegmentWorld":
        """All that is left, in the order of topics.yaml."""
        while topic := next((topic for topic in TOPICS if self.positions[topic] < len(self.log[topic])), None):
            self.take(topic, size)
        return self

    def said(self) -> Said:
        """The last word on each workout that has efforts: segment, start and end of each, hidden or not."""
        last = {(message.user, message.data.workout_id): message.data.efforts for message in self.messages}
        passed = {key: [(e.segment_id, e.start, e.end, e.hidden) for e in efforts] for key, efforts in last.items()}
        return {key: efforts for key, efforts in passed.items() if efforts}

    async def _tracks(self, keys: Iterable[tuple[str, str]], _: Sequence[str]) -> AsyncIterator[Any]:
        for key in keys:
            self.read.append(key[1])
            yield {key: self.tracks.get(key[1], track_from_columns(START_US + way((0, 0), (1, 0)).time_us[:0]))}

    async def _process(self, batch: Batch, stores: Iterable[str]) -> None:
        topic, state = batch.span.topic, self.context.state
        await state.load({record.message.user for record in batch.records} if topic != "segments" else ())
        writes = await segments.process(batch, self.context)
        pending = state.take_pending()
        for store in stores:
            if batch.span.next <= self.marks[store, topic]:
                continue  # it holds the span
            self.marks[store, topic] = batch.span.next
            if store == "facts":
                self.facts |= {(fact.user, fact.kind, fact.id): fact for fact in pending}
            else:
                for message in writes.messages:
                    is_work = isinstance(message, hot.SegmentCheckDue)
                    (self.log["segment-checks"] if is_work else self.messages).append(message)


def expected(log: Mapping[str, Sequence[Any]], tracks: Mapping[str, Track]) -> Said:
    """What must be said, whatever the order: every segment against every workout."""
    words = {word.data.segment_id: word for word in sorted(log["segments"], key=lambda word: (word.time, word.id))}
    there: list[Segment] = [
        drawn(word.data.segment_id, word.data.name, word.data.family, word.data.points)
        for word in words.values()
        if isinstance(word, hot.SegmentDefined)
    ]
    last = {(message.user, message.data.workout_id): message.data for message in log["workout-summaries"]}
    zones = {word.data.zone_id: word for word in sorted(log["user-events"], key=lambda word: word.time)}
    circles = [
        hidden_circle(PrivacyZone(z.data.zone_id, z.data.latitude_deg, z.data.longitude_deg, z.data.radius_m), KEY)
        for z in zones.values()
        if isinstance(z, hot.PrivacyZoneSet)
    ]
    found: Said = {}
    for key, data in last.items():
        track = tracks.get(key[1])
        if data.status != "counted" or track is None:
            continue
        passed = [
            (effort.segment_id, effort.start_us, effort.end_us, key[0] == "ada" and _is_near(one, circles, key[1]))
            for one in there
            if one.family == family_of(data.sport)
            for effort in match(track.time_us, track.latitude_deg, track.longitude_deg, one)
        ]
        if passed:
            found[key] = sorted(passed, key=lambda one: (one[1], one[0], one[2]))
    return found


def _is_near(segment: Segment, circles: Sequence[HiddenCircle], workout_id: str) -> bool:
    """Whether some of the line is in a circle, or as near as the corridor is wide; on a flat map."""
    for circle in circles:
        wider = replace(circle, radius_m=circle.radius_m + CORRIDOR_M)
        north = np.radians(segment.latitude_deg - circle.latitude_deg)
        east = np.radians(segment.longitude_deg - circle.longitude_deg) * np.cos(np.radians(60.0))
        if (np.hypot(north, east) * EARTH_RADIUS_M).min() <= wider.radius_m + extra_m(wider, workout_id):
            return True
    return False


def _topic_of(message: Any) -> str:
    match message:
        case hot.SegmentDefined() | hot.SegmentRemoved():
            return "segments"
        case hot.PrivacyZoneSet() | hot.PrivacyZoneRemoved():
            return "user-events"
    return "workout-summaries"
