"""Scores are computed again; the lake has the latest row of each key; Redis what is live."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from domain.features import FEATURE_NAMES
from schemas import hot
from tests.unit.verification.conftest import OTHER, START_US, WORKOUT, TestLog
from verification import announced, boards, lake, live, scores
from verification.log import LogRecord
from verification.scores import ADOPTION_MS, ScoreCheck
from verification.stores.delta import latest
from verification.tally import Tally
from verification.withdrawals import Takings


class Half:
    """A model that says half of the first feature."""

    def answer(self, matrix: scores.Matrix) -> Sequence[Any]:
        return [float(row[0]) / 2 for row in matrix]

    def said(self, data: Any) -> Any:
        return data.risk


def features(log: TestLog, first: float, workout_id: str = WORKOUT, status: Any = "counted") -> LogRecord:
    values = (first, *[None] * (len(FEATURE_NAMES) - 1)) if status == "counted" else ()
    data = hot.FeaturesComputedData(
        workout_id=workout_id,
        status=status,
        at=START_US,
        local_day=date(2026, 11, 18),
        names_version=1,
        features=values,
    )
    return log.event(hot.FeaturesComputed, data)


def risk(log: TestLog, value: float, end: int, workout_id: str = WORKOUT, version: str = "injury/1") -> None:
    data = hot.InjuryRiskScoredData(workout_id=workout_id, at=START_US, model_version=version, risk=value)
    record = log.event(hot.InjuryRiskScored, data)
    kept = log.records["injury-risk"]
    kept[-1] = record._replace(headers=(("sl-source", f"training-features:0:{end}".encode()),))


def check(log: TestLog) -> ScoreCheck:
    result = ScoreCheck(lambda version: Half() if version == "injury/1" else None, Tally(show=5))
    read = log.read()
    risks = read.carrying("InjuryRiskScored")
    result.check(
        read.carrying("FeaturesComputed").valid, risks.valid, risks.records, scores.first_score_ms(risks.valid)
    )
    return result


def test_a_score_is_of_the_latest_features_before_the_end_of_its_batch(log: TestLog) -> None:
    features(log, 0.4)
    features(log, 0.6)
    features(log, 0.8)
    risk(log, 0.3, end=2)
    assert check(log).tally.ok
    risk(log, 0.3, end=3)
    assert check(log).tally.different == 1


def test_a_score_of_no_features_is_superfluous(log: TestLog) -> None:
    features(log, 0.4, status="duplicate")
    risk(log, 0.2, end=1)
    assert check(log).tally.extra == 1


def test_who_counts_while_there_is_a_model_must_be_scored(log: TestLog) -> None:
    features(log, 0.4, OTHER)  # before there was a model
    features(log, 0.4)
    risk(log, 0.2, end=2)
    log.clock_ms += ADOPTION_MS
    late = "55555555-5555-4555-8555-555555555555"
    features(log, 0.4, late)
    tally = check(log).tally
    assert (tally.expected, tally.missing) == (2, 1)
    assert late in tally.examples[0].key


def test_a_score_of_older_features_is_not_enough(log: TestLog) -> None:
    features(log, 0.4)
    risk(log, 0.2, end=1)
    log.clock_ms += ADOPTION_MS
    features(log, 0.6)
    assert check(log).tally.different == 1


def test_a_version_that_cannot_be_loaded_is_noted(log: TestLog) -> None:
    features(log, 0.4)
    risk(log, 0.9, end=1, version="injury/9")
    result = check(log)
    assert result.tally.ok
    assert result.notes == {"injury/9": 1}


def test_the_lake_s_latest_rows_are_those_of_the_highest_offset() -> None:
    rows = pa.table({"k": ["a", "a", "b"], "source_offset": [1, 2, 1], "v": [1, 2, 3]})
    assert sorted(latest(rows, ("k",)).column("v").to_pylist()) == [2, 3]
    twice = pa.table({"k": ["a", "a"], "source_offset": [2, 2], "v": [1, 2]})
    assert latest(twice, ("k",)).num_rows == 2  # a row that was appended twice is not hidden


def test_a_later_list_replaces_only_the_kinds_that_it_has(log: TestLog) -> None:
    for kinds in (("easy", "rest"), ("easy", "long")):
        items = tuple(
            hot.Recommendation(workout_kind=kind, sport="running", score=0.5 - i / 10, reason="x")
            for i, kind in enumerate(kinds)
        )
        data = hot.RecommendationsReadyData(workout_id=WORKOUT, at=START_US, model_version="recommend/1", items=items)
        log.event(hot.RecommendationsReady, data)
    ready = log.read().carrying("RecommendationsReady").valid
    rows = lake.predictions_table([], ready).to_pylist()
    kept = {(r["item"], r["source_offset"]) for r in rows}
    assert kept == {("easy.running", 1), ("long.running", 1), ("rest.running", 0)}
    newest = scores.recommendation_table(boards.last_of(ready))
    assert newest.column("workout_kind").to_pylist() == ["easy", "long"]


def test_the_last_injury_report_of_an_onset_counts(log: TestLog) -> None:
    for days in (3, 9):
        data = hot.InjuryReportedData(onset_time=START_US, body_part="knee", severity="mild", days_lost=days)
        log.event(hot.InjuryReported, data)
    (row,) = lake.injuries_table(log.read().carrying("InjuryReported").valid).to_pylist()
    assert (row["days_lost"], row["source_offset"]) == (9, 1)


def test_the_last_name_counts_and_an_erased_user_has_none(log: TestLog) -> None:
    for user in ("ada", "bea"):
        log.register(user)
    log.event(hot.ProfileChanged, hot.ProfileChangedData(name="Ada L."))
    log.event(hot.ProfileChanged, hot.ProfileChangedData(mass_kg=60.0))
    log.event(hot.UserErased, hot.UserErasedData(), user="bea")
    assert live.display_names(log.read().carrying("UserRegistered").valid) == {"ada": "Ada L."}


@pytest.mark.parametrize(("end", "ok"), [(2, True), (1, False)])
def test_samples_must_be_announced_after_the_last_frame(log: TestLog, end: int, ok: bool) -> None:
    log.frame()
    log.frame(start=START_US + 60_000_000)
    data = hot.SamplesStoredData(
        workout_id=WORKOUT, first_time=START_US, last_time=START_US + 119_000_000, frames=2, samples=120
    )
    record = log.event(hot.SamplesStored, data)
    log.records["samples-stored"][-1] = record._replace(headers=(("sl-source", f"sensor-frames:0:{end}".encode()),))
    read = log.read()
    frames, said = read.carrying("SensorFrame").valid, read.carrying("SamplesStored")
    found = announced.found_announcements(said.valid, said.records, frames, Takings())
    assert (found == announced.expected_announcements(frames)) is ok
