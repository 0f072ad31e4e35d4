"""What ``stridelog bench boards`` writes, expects and promises."""

import numpy as np

from bench.boards import BOARD, PARTITIONS, PROMISE_MS, Athletes, Result


def last_scores(athletes: Athletes, batches: int) -> dict[str, tuple[float, int, int]]:
    """Users' last rows on the board, by offset, after some batches of each partition: score, when, deleted."""
    last: dict[str, tuple[int, float, int, int]] = {}
    for number in range(batches):
        table, span = athletes.batch(number % PARTITIONS, 200)
        offsets = table["source_offset"].to_numpy()
        assert offsets.min() >= span.first
        assert offsets.max() < span.next
        for row in table.to_pylist():
            if row["metric"] == BOARD.metric and row["period"] == "all":
                came = (row["source_offset"], row["score"], round(row["achieved_at"].timestamp() * 1e6), row["deleted"])
                last[row["user_id"]] = max(last.get(row["user_id"], came), came)
    return {user: rest for user, (_, *rest) in last.items()}  # type: ignore[misc]


def test_the_ranks_that_answers_are_compared_with_are_those_of_the_last_rows() -> None:
    athletes = Athletes(150, np.random.default_rng(3))
    last = last_scores(athletes, 12)
    keys = {user: (-score, at_us) for user, (score, at_us, deleted) in last.items() if not deleted}
    ranks = athletes.ranks()
    found = {name: int(rank) for name, rank in zip(athletes.names.to_pylist(), ranks, strict=True) if rank}
    assert found == {user: 1 + sum(other < key for other in keys.values()) for user, key in keys.items()}


def test_a_workout_that_is_deleted_takes_its_athlete_off_the_board() -> None:
    athletes = Athletes(4_000, np.random.default_rng(1))
    assert any(deleted for *_, deleted in last_scores(athletes, 12).values())


def test_a_wrong_answer_or_a_slow_one_breaks_the_promise() -> None:
    kept = Result(10, 100, times_ms={name: [limit_ms] for name, limit_ms in PROMISE_MS.items()})
    assert kept.ok
    assert kept.as_json()["redis_rank_p99_ms"] == PROMISE_MS["redis_rank"]
    assert not Result(10, 100, wrong=1, times_ms=kept.times_ms).ok
    slow = {**kept.times_ms, "clickhouse_board": [1.0] * 98 + [60.0] * 2}
    assert not Result(10, 100, times_ms=slow).ok
