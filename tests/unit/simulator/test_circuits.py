"""The circuits of the town: who trains there passes its segments."""

from datetime import date

import numpy as np
import pytest

from domain.segments import match, segment_of
from schemas.decode import EVERYONE, decoder_for
from simulator.circuits import circuit_of, segments
from simulator.places import PLACES, Place
from simulator.town import Town, TownConfig
from stridelog.topics import load

TOWN = TownConfig(seed=3, athletes=40, first_day=date(2026, 11, 1), until_us=None)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_every_lap_of_a_circuit_is_an_effort_at_the_speed_of_the_lap(place: Place) -> None:
    circuit = circuit_of(place)
    latitudes, longitudes = zip(*circuit.drawn(1.0), strict=True)
    lap = segment_of("lap", "A lap", "running", latitudes, longitudes)
    seconds = np.arange(0, 3.2 * circuit.length_m / 3.0, 5.0)
    found = match((seconds * 1e6).astype(np.int64), *circuit.at(seconds * 3.0), lap)
    assert [effort.elapsed_s for effort in found] == pytest.approx([circuit.length_m / 3.0] * len(found), abs=1.0)
    assert len(found) == 3
    assert found[0].start_us == pytest.approx(100e6, abs=1e6), "the line is 300 m from where one begins"


def test_each_place_with_athletes_has_its_segments_and_loses_one() -> None:
    decoder = decoder_for(load(prefix="").named("segments"))
    sent = list(segments(TOWN.seed, Town(TOWN).people, TOWN.start_us))
    messages = [decoder.decode(EVERYONE, one.value) for one in sent]
    places = {person.place.name for person in Town(TOWN).people}
    drawn = [message.data.name for message in messages if message.type == "SegmentDefined"]
    assert len(drawn) == len(set(drawn)) == 3 * len(places)
    assert sum(message.type == "SegmentRemoved" for message in messages) == len(places)
    assert {one.key for one in sent} == {EVERYONE}
