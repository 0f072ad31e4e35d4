"""Comparing columns finds exactly what comparing row by row in plain Python finds."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rollups import chosen
from schemas.frames import pack_frame
from stridelog import topics
from verification import boards, samples
from verification.log import LogRecord
from verification.outcomes import decode
from verification.tables import compare_tables
from verification.tally import Tally, same
from verification.withdrawals import Takings

START_US = 1_795_000_020_000_000
S = 1_000_000
Rows = dict[tuple[str, int], float]
Frame = tuple[str, str, int, list[float]]

keys = st.tuples(st.sampled_from(["ada", "bea", "cät", ""]), st.integers(-3, 3))
tables = st.dictionaries(keys, st.sampled_from([0.0, 1.0, 1.0 + 1e-9, 2.5, math.nan]), max_size=12)
frames = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bea"]),
        st.sampled_from(["strap", "watch"]),
        st.integers(0, 130),
        st.lists(st.integers(40, 200), min_size=1, max_size=70),
    ),
    max_size=8,
)


def table(rows: list[tuple[tuple[str, int], float]]) -> pa.Table:
    return pa.table(
        {
            "user": pa.array([user for (user, _), _ in rows], pa.string()),
            "n": pa.array([n for (_, n), _ in rows], pa.int64()),
            "value": pa.array([value for _, value in rows], pa.float64()),
        }
    )


@settings(deadline=None)
@given(tables, tables, st.lists(keys, max_size=3), st.randoms(use_true_random=False))
def test_columns_are_compared_as_rows_would_be(expected: Rows, found: Rows, again: list[Any], random: Any) -> None:
    repeated = [(key, found[key]) for key in again if key in found]
    rows = [*found.items(), *repeated]
    random.shuffle(rows)
    tally = Tally()
    compare_tables(tally, table(list(expected.items())), table(rows), ("user", "n"))
    different = sum(not same(expected[key], found[key]) for key in expected.keys() & found.keys())
    assert tally.counts() == {
        "expected": len(expected),
        "found": len(rows),
        "missing": len(expected.keys() - found.keys()),
        "extra": len(found.keys() - expected.keys()) + len(repeated),
        "different": different,
    }


def decoded(given_frames: list[Frame]) -> list[Any]:
    topic = topics.load(prefix="").topic_of_message("SensorFrame")
    records = [
        LogRecord(
            offset,
            0,
            user.encode(),
            pack_frame(
                user=user,
                device_id=device,
                sequence=offset,
                start_us=START_US + begin * S,
                zone="UTC",
                source="test",
                producer="test",
                columns={"heart_rate_bpm": np.array(bpm, dtype=np.float64)},
                interval_us=S,
            ),
        )
        for offset, (user, device, begin, bpm) in enumerate(given_frames)
    ]
    return list(decode(topic, records).valid)


@settings(deadline=None)
@given(frames)
def test_samples_are_the_last_word_on_each_second(given_frames: list[Frame]) -> None:
    last: dict[tuple[str, str, int], float] = {}
    for user, device, begin, bpm in given_frames:
        last |= {(user, device, START_US + (begin + i) * S): float(value) for i, value in enumerate(bpm)}
    rows = samples.deduplicated(decoded(given_frames), Takings())[0].table().to_pylist()
    assert {(r["user_id"], r["device_id"], r["time"]): r["heart_rate_bpm"] for r in rows} == last
    assert len(rows) == len(last)


@settings(deadline=None)
@given(frames)
def test_minutes_are_those_of_the_chosen_parts(given_frames: list[Frame]) -> None:
    valid = decoded(given_frames)
    parts: dict[tuple[str, int, str], dict[int, list[tuple[int, float]]]] = {}
    for user, device, begin, bpm in given_frames:
        of_frame: dict[int, list[tuple[int, float]]] = {}
        for i, value in enumerate(bpm):
            at_s = START_US // S + begin + i
            of_frame.setdefault(at_s // 60 * 60, []).append((at_s % 60, float(value)))
        for minute, some in of_frame.items():
            parts.setdefault((user, minute, device), {})[START_US + begin * S] = some
    expected = {}
    for key, by_frame in parts.items():
        listed = list(by_frame.items())
        kept = chosen([(len(some), start, sum(1 << second for second, _ in some)) for start, some in listed])
        values = [value for i in kept for _, value in listed[i][1]]
        expected[key] = (len(values), round(sum(values) / len(values), 6), min(values), max(values))
    found = samples.minutes(
        samples.minute_partials(valid, samples.deduplicated(valid, Takings())[1], Takings())
    ).to_pylist()
    assert {
        (r["user_id"], r["minute"], r["device_id"]): (
            r["n"],
            round(r["heart_rate_bpm_mean"], 6),
            r["heart_rate_bpm_min"],
            r["heart_rate_bpm_max"],
        )
        for r in found
    } == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.integers(1, 2)), max_size=12))
def test_ranks_count_those_who_are_ahead(rows: list[tuple[str, int, int]]) -> None:
    columns: dict[str, Any] = {name: pa.array(["x"] * len(rows), pa.string()) for name in boards.BOARD}
    columns["metric"] = pa.array([board for board, _, _ in rows], pa.string())
    columns["score"] = pa.array([score for _, score, _ in rows], pa.float64())
    columns["achieved_at"] = pa.array([at for _, _, at in rows], pa.int64())
    columns["less_is_better"] = pa.array([int(board == "b") for board, _, _ in rows], pa.int64())
    ranks = boards.ranked(pa.table(columns)).column("rank").to_pylist()
    sign = {"a": -1, "b": 1}
    ahead = [
        sum(b == board and (sign[b] * s, t) < (sign[b] * score, at) for b, s, t in rows) for board, score, at in rows
    ]
    assert ranks == [1 + count for count in ahead]
