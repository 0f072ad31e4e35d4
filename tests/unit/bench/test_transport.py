"""`stridelog bench transport`: its arithmetic, its events and its chart; the runs themselves need Kafka."""

import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from bench.peers.tally import MINUTE_MS, Event, Tally, digest
from bench.transport import share
from bench.transport_chart import draw
from bench.transport_load import USERS, events
from bench.transport_peers import CONTENDERS, chosen
from bench.transport_result import PEERS, TARGETS, Result, Run, Standing
from compose.settings import ROOT
from stridelog.errors import UserError


def standing(*runs: tuple[float, float], events: int = 10_000, idle_cpu_s: float = 1.0) -> Standing:
    """Runs of (seconds, CPU seconds of the whole process) after idle runs of 1,000 events."""
    made = Standing("A peer", "decode and sum", [Run(1_000, 1_000, 0.1, s) for s in (5.0, idle_cpu_s, 0.2)])
    made.runs = [Run(events, 0, seconds, cpu_s) for seconds, cpu_s in runs]
    return made


def result(**standings: Standing) -> Result:
    return Result(10_000, 149.2, 3, standings, (0.5, 1.0))


def test_cpu_time_is_that_of_the_process_less_the_median_of_the_idle_ones() -> None:
    made = standing((2.0, 3.0), (2.0, 4.0))
    assert made.cpu_s == [2.0, 3.0]
    assert made.events_per_cpu_s == [4_500.0, 3_000.0]
    assert made.events_per_s == [5_000.0, 5_000.0]


def test_records_that_were_there_when_the_clock_started_do_not_count() -> None:
    made = standing()
    made.runs = [Run(10_000, 2_000, 2.0, 3.0)]
    assert made.events_per_s == [4_000.0]
    assert made.events_per_cpu_s == [4_500.0]


def test_cpu_time_that_cannot_be_told_from_an_idle_run_is_no_figure() -> None:
    made, other = standing((1, 1.05)), standing((1, 2))
    assert made.events_per_cpu_s is None
    found = result(engine=other, quix=made)
    assert found.ratio_cpu("quix") is None
    assert found.ratio("quix") == 1.0
    assert found.as_json()["contenders"]["quix"]["events_per_cpu_s"] is None


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    # The machine was slow in the second round, for both: no ratio of medians would be 2.
    found = result(engine=standing((1, 2), (10, 2), (2, 2)), quix=standing((2, 3), (20, 3), (4, 2)))
    assert found.ratio("quix") == 2.0
    assert found.ratio_cpu("quix") == 2.0


def test_a_share_of_the_events_is_compared_by_rate() -> None:
    found = result(engine=standing((1, 2)), faust=standing((5, 3), events=5_000))
    assert found.ratio("faust") == 10.0


def test_a_peer_without_figures_has_the_reason_and_no_ratio() -> None:
    failed = standing((1, 2))
    failed.failure = "its sums are not those of the events"
    said = result(engine=standing((1, 2)), quix=failed).as_json()
    assert said["contenders"]["quix"]["failure"] == "its sums are not those of the events"
    assert said["vs_quix"] is None
    assert said["vs_quix_cpu"] is None
    assert said["vs_faust"] is None  # was not asked for


def test_json_has_every_ratio_that_has_a_target() -> None:
    said = json.loads(json.dumps(result(engine=standing((1, 2))).as_json()))
    assert {f"vs_{peer}" for peer in PEERS} <= said.keys()
    assert set(TARGETS) <= set(PEERS)
    assert said["targets"] == {"vs_faust": 40.0, "vs_bytewax": 1.3, "vs_kafka_streams": 1.3, "vs_consumer_perf": 0.5}


def test_every_contender_but_the_engine_is_compared_with_it() -> None:
    assert {contender.name for contender in CONTENDERS} == {"engine", *PEERS}


@pytest.mark.parametrize(("count", "expected"), [(10_000, 10_000), (100_000, 25_000), (2_000_000, 100_000)])
def test_slow_contenders_read_a_twentieth_but_not_too_few(count: int, expected: int) -> None:
    assert share(count) == expected


def test_events_are_150_bytes_and_the_first_are_the_same_however_many_follow() -> None:
    import msgspec

    few, more = list(events(3_000)), list(events(60_000))
    assert few == more[:3_000]
    sizes = [len(msgspec.json.encode(event)) for event in more]
    assert 145 <= sum(sizes) / len(sizes) <= 155
    assert len({event.user for event in more}) == USERS
    assert more != list(events(60_000, seed=1))


def test_a_tally_sums_by_user_and_minute_and_knows_the_last() -> None:
    tally = Tally(3)
    tally.begin(1)
    for number, power in enumerate((100, 200, 300)):
        tally.add([Event("a", number * MINUTE_MS // 2, "running", 150, power, 80, 3.0, 1.0)])
        assert tally.done(1) is (number == 2)
    assert tally.sums == {("a", 0): 300, ("a", 1): 300}
    assert digest(tally.sums) == digest({("a", 1): 300, ("a", 0): 300})
    assert digest(tally.sums) != digest({("a", 0): 300, ("a", 1): 301})


def test_contenders_are_chosen_by_name_in_the_usual_order() -> None:
    assert [contender.name for contender in chosen("getmany, engine")] == ["engine", "getmany"]
    assert chosen(None) == list(CONTENDERS)
    with pytest.raises(UserError, match="--only names spark: choose from engine, faust,"):
        chosen("engine,spark")
    with pytest.raises(UserError, match="--only is empty"):
        chosen(",")


def test_the_chart_is_xml_and_names_every_contender_with_its_rate() -> None:
    failed = standing()
    failed.failure = "no network"
    text = draw(result(engine=standing((1, 2)), quix=standing((4, 2)), bytewax=failed))
    root = ElementTree.fromstring(text)  # noqa: S314 - our own text
    words = " ".join(root.itertext())
    assert "10,000" in words
    assert "2,500 (4.0×)" in words
    assert "no figures" in words


def test_programs_of_other_environments_import_nothing_of_stridelog() -> None:
    ours = ("stridelog", "schemas", "faust", "numpy", "rich")
    code = f"import sys, bench.peers.tally; print([name for name in sys.modules if name.startswith({ours})])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
