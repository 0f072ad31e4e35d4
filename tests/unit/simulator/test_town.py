"""The town: the same seed gives the same bytes, agents accept all that is meant to be good, and refuse the rest."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from itertools import islice

import numpy as np
import pytest

from domain.days import local_day
from domain.wellness import BeatFrames, wellness_day
from schemas import hot
from schemas.decode import EVERYONE, BadRecord, Decoder, decoder_for, time_of
from schemas.frames import unpack
from simulator.faults import NO_FAULTS, Faults
from simulator.message import Dispatch
from simulator.town import MESSAGE_TYPES, Town, TownConfig
from stridelog import topics

UNTIL_US = int(datetime(2026, 11, 20, 15, 30, tzinfo=UTC).timestamp()) * 1_000_000
SMALL = TownConfig(seed=7, athletes=30, first_day=date(2026, 10, 24), until_us=UNTIL_US, sampling_s=60)


@pytest.fixture(scope="module")
def decoders() -> dict[str, Decoder]:
    known = topics.load(prefix="")
    return {kind: decoder_for(known.topic_of_message(kind)) for kind in MESSAGE_TYPES}


@pytest.fixture(scope="module")
def small_town() -> list[Dispatch]:
    print(f"seed {SMALL.seed}")
    return list(Town(SMALL).messages())


def digest(messages: list[Dispatch]) -> str:
    whole = hashlib.sha256()
    for message in messages:
        whole.update(message.type.encode() + message.key + message.value)
    return whole.hexdigest()


def read(messages: list[Dispatch], decoders: dict[str, Decoder]) -> list[tuple[Dispatch, hot.Message]]:
    return [(m, decoders[m.type].decode(m.key, m.value)) for m in messages if m.dead is None]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(small_town: list[Dispatch]) -> None:
    assert digest(list(Town(SMALL).messages())) == digest(small_town)
    assert digest(list(Town(replace(SMALL, seed=8)).messages())) != digest(small_town)


def test_every_message_is_accepted_or_dead_for_the_stated_reason(
    small_town: list[Dispatch], decoders: dict[str, Decoder]
) -> None:
    registered = {message.key for message in small_town if message.type == "UserRegistered"}
    for message in small_town:
        try:
            decoders[message.type].decode(message.key, message.value)
            reason = None if message.key in registered | {EVERYONE} else "unknown_user"
        except BadRecord as bad:
            reason = bad.reason
        assert reason == message.dead


FIRST = ("UserRegistered", "ConsentChanged", "ZonesSet", "VisibilityChanged", "PrivacyZoneSet")


def test_people_are_registered_before_anything_else_is_sent(small_town: list[Dispatch]) -> None:
    kinds = [message.type for message in small_town]
    first_other = next(i for i, kind in enumerate(kinds) if kind not in FIRST)
    assert kinds[:first_other].count("UserRegistered") == SMALL.athletes
    assert "UserRegistered" not in kinds[first_other:]


def test_messages_come_in_the_order_of_their_sending(small_town: list[Dispatch]) -> None:
    times = [message.at_us for message in small_town]
    assert times == sorted(times)


def test_frames_of_a_workout_lie_between_its_start_and_its_end_unless_a_clock_was_reset(
    small_town: list[Dispatch], decoders: dict[str, Decoder]
) -> None:
    frames: dict[str, list[int]] = defaultdict(list)
    spans: dict[str, tuple[int, int]] = {}
    for sent, message in read(small_town, decoders):
        if isinstance(message, hot.SensorFrame) and message.workout_id is not None and sent.fault != "clock_reset":
            frames[message.workout_id].append(message.start)
        elif isinstance(message, hot.WorkoutCompleted):
            spans[message.data.workout_id] = (message.data.start, message.data.end)
    assert frames.keys() <= spans.keys()
    for workout_id, starts in frames.items():
        assert spans[workout_id][0] <= min(starts) <= max(starts) <= spans[workout_id][1]


def test_nothing_has_an_event_time_in_the_future(small_town: list[Dispatch], decoders: dict[str, Decoder]) -> None:
    assert max(time_of(message) for _, message in read(small_town, decoders)) <= UNTIL_US


@pytest.mark.parametrize("fault", [field.name for field in fields(Faults) if field.name != "poison"])
def test_each_fault_can_be_switched_off(fault: str, small_town: list[Dispatch]) -> None:
    counted: Counter[str | None] = Counter(message.fault for message in small_town)
    without = Town(replace(SMALL, faults=replace(SMALL.faults, **{fault: False}))).messages()
    if fault not in ("clock_reset", "car", "copy"):  # too rare to be sure of in a small town
        assert counted[fault] > 0
    assert fault not in {message.fault for message in without}


def test_a_town_without_faults_sends_every_frame_once_and_in_time() -> None:
    messages = list(Town(replace(SMALL, faults=NO_FAULTS)).messages())
    values = [message.value for message in messages]
    assert len(values) == len(set(values))
    assert {message.dead for message in messages} == {None}


def test_a_resent_message_is_the_same_bytes(small_town: list[Dispatch]) -> None:
    values = Counter(message.value for message in small_town)
    again = [message for message in small_town if message.fault == "resend"]
    assert again
    assert all(values[message.value] > 1 for message in again)


def test_what_a_provider_deletes_is_sent_again_and_what_it_corrects_has_a_higher_revision(
    small_town: list[Dispatch], decoders: dict[str, Decoder]
) -> None:
    values = Counter(message.value for message in small_town)
    deleted = [m for _, m in read(small_town, decoders) if isinstance(m, hot.ReadingsDeleted)]
    frames = [(s, m) for s, m in read(small_town, decoders) if isinstance(m, hot.SensorFrame)]
    assert deleted
    for one in deleted:
        assert any(values[s.value] > 1 and m.device_id == one.data.device_id for s, m in frames)
    corrected = {m.workout_id for _, m in frames if m.revision}
    assert corrected
    assert corrected <= {m.workout_id for _, m in frames if not m.revision}


def test_overlapping_frames_say_the_same_of_the_same_instant(
    small_town: list[Dispatch], decoders: dict[str, Decoder]
) -> None:
    overlapping = {
        message.workout_id
        for sent, message in read(small_town, decoders)
        if sent.fault == "overlap" and isinstance(message, hot.SensorFrame)
    }
    twice = 0
    seen: dict[tuple[str | None, int], float] = {}
    for _, message in read(small_town, decoders):
        if isinstance(message, hot.SensorFrame) and message.workout_id in overlapping:
            columns = unpack(message)
            hearts = columns.get("heart_rate_bpm")
            if hearts is None:
                continue
            for time_us, heart in zip(columns["time_us"].tolist(), hearts.tolist(), strict=True):
                twice += (message.workout_id, time_us) in seen
                assert seen.setdefault((message.workout_id, time_us), heart) == heart
    assert twice > 0


def test_some_wear_a_band_at_night_whose_beats_are_a_reading_of_the_right_size(
    small_town: list[Dispatch], decoders: dict[str, Decoder]
) -> None:
    nights: defaultdict[tuple[str, date], list[hot.SensorFrame]] = defaultdict(list)
    for _, message in read(small_town, decoders):
        if isinstance(message, hot.SensorFrame) and message.workout_id is None:
            nights[message.user, local_day(message.start, message.zone)].append(message)
    assert len({user for user, _ in nights}) in range(2, 12)
    whole = [frames for frames in nights.values() if len({frame.start for frame in frames}) == 12]
    assert len(whole) > 10
    found = []
    for frames in whole:
        ordered = sorted({frame.start: frame for frame in frames}.values(), key=lambda frame: frame.start)
        columns = [unpack(frame) for frame in ordered]
        beats = [i for i, one in enumerate(columns) if "rr_ms" in one]
        rr_ms = [columns[i]["rr_ms"] for i in beats]
        found.append(
            wellness_day(
                np.concatenate([one["time_us"] for one in columns]).astype(np.int64),
                np.concatenate([one["heart_rate_bpm"] for one in columns]).astype(np.float64),
                {
                    "band": BeatFrames(
                        start_us=np.array([ordered[i].start for i in beats]),
                        last_us=np.array([int(columns[i]["time_us"][-1]) for i in beats]),
                        offsets=np.cumsum([0, *(len(one) for one in rr_ms)]),
                        rr_ms=np.concatenate(rr_ms).astype(np.float64),
                    )
                },
            )
        )
    assert {day.hrv_fault for day in found} == {None}
    assert all(35 < (day.resting_heart_rate_bpm or 0) < 85 for day in found)
    assert all(3.0 < (day.ln_rmssd or 0) < 5.0 for day in found)


def test_habits_make_plausible_weeks(small_town: list[Dispatch], decoders: dict[str, Decoder]) -> None:
    days = (UNTIL_US - SMALL.start_us) / 86_400e6
    completions = {
        message.data.workout_id: message
        for sent, message in read(small_town, decoders)
        if isinstance(message, hot.WorkoutCompleted) and sent.fault != "duplicate_device"
    }
    per_week = len(completions) / SMALL.athletes / days * 7
    assert 2.5 < per_week < 6
    local_days = Counter(local_day(m.data.start, m.zone).weekday() for m in completions.values())
    assert local_days[5] > local_days[0]  # Saturdays are for training, Mondays are not


def test_a_live_town_goes_on_where_its_history_ended() -> None:
    history = Town(SMALL).messages()
    done = {m.value for m in history if m.type == "WorkoutCompleted"}
    live = Town(replace(SMALL, until_us=None, from_us=UNTIL_US)).messages()
    going_on = [m for m in islice(live, 3_000) if m.type == "WorkoutCompleted"]
    assert going_on
    assert done.isdisjoint(m.value for m in going_on)
    assert min(m.at_us for m in going_on) > UNTIL_US - 3_600_000_000
