"""Properties of labels, latest revisions and ranks against plain code that is too slow to use."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.features import FEATURE_NAMES
from domain.sports import FAMILIES, Family
from models.evaluate import rank_measures
from models.injury import AWAY_DAYS, HORIZON_DAYS
from models.injury.dataset import label_rows
from models.lake import Injuries, latest
from models.recommend.catalogue import kinds_done
from models.recommend.dataset import label_rows as label_next
from models.rows import COLUMN, DAY_US, FeatureRows

HALF_DAYS = st.integers(0, 200)  # in half days, so that equal times and exact limits occur
USERS = st.sampled_from(["ann", "ben", "cem"])


def rows_at(events: list[tuple[str, int]]) -> FeatureRows:
    """Rows at (user, half day), as the lake gives them."""
    ordered = sorted(events)
    return FeatureRows(
        np.array([user for user, _ in ordered], dtype=np.str_),
        np.array([str(i) for i in range(len(ordered))], dtype=np.str_),
        np.array([half * DAY_US // 2 for _, half in ordered], dtype=np.int64),
        np.zeros((len(ordered), len(FEATURE_NAMES)), dtype=np.float32),
    )


@settings(deadline=None)
@given(
    st.lists(st.tuples(USERS, HALF_DAYS), min_size=1, max_size=40), st.lists(st.tuples(USERS, HALF_DAYS), max_size=8)
)
def test_injury_labels_are_those_of_the_definition(
    events: list[tuple[str, int]], injuries: list[tuple[str, int]]
) -> None:
    rows = rows_at(events)
    onsets = {
        user: np.array(sorted({half * DAY_US // 2 for who, half in injuries if who == user}), dtype=np.int64)
        for user in {who for who, _ in injuries}
    }
    data = label_rows(rows, Injuries(onsets))
    end_us = max(rows.at_us)
    expected = []
    for user, workout, at_us in zip(rows.user.tolist(), rows.workout_id.tolist(), rows.at_us.tolist(), strict=True):
        own = [int(onset) for onset in onsets.get(user, ())]
        if at_us + HORIZON_DAYS * DAY_US > end_us:
            continue
        if any(0 <= at_us - onset < AWAY_DAYS * DAY_US for onset in own):
            continue
        expected.append((workout, any(0 < onset - at_us <= HORIZON_DAYS * DAY_US for onset in own)))
    assert list(zip(data.rows.workout_id.tolist(), data.label.tolist(), strict=True)) == expected
    assert len(expected) + data.censored + data.away == len(rows)


@settings(deadline=None)
@given(st.lists(st.tuples(USERS, HALF_DAYS), min_size=1, max_size=40), st.integers(1, 40))
def test_more_data_later_change_no_label_that_was_known(events: list[tuple[str, int]], later: int) -> None:
    rows = rows_at(events)
    more = rows_at([*events, *[(user, 201 + later) for user in ("ann", "ben", "cem")]])
    known = label_next(rows)
    then = label_next(more)
    where = {key: i for i, key in enumerate(zip(then.rows.user.tolist(), then.rows.at_us.tolist(), strict=True))}
    for user, at_us, chosen in zip(
        known.rows.user.tolist(), known.rows.at_us.tolist(), known.chosen.tolist(), strict=True
    ):
        same_instant = ((rows.user == user) & (rows.at_us == at_us)).sum() > 1
        assert same_instant or then.chosen[where[user, at_us]] == chosen


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(0, 500), st.sampled_from(FAMILIES)), min_size=1, max_size=25))
def test_what_a_workout_was_depends_on_nothing_after_it(sessions: list[tuple[float, float, Family]]) -> None:
    rows = rows_at([("ann", i) for i in range(len(sessions))])
    for i, (hours, load, family) in enumerate(sessions):
        rows.matrix[i, COLUMN["moving_time_this_s"]] = hours * 3600
        rows.matrix[i, COLUMN["load_this"]] = load
        rows.matrix[i, COLUMN[f"family_{family}"]] = 1
    whole = kinds_done(rows)
    for count in range(1, len(sessions) + 1):
        assert np.array_equal(kinds_done(rows.take(np.arange(count))), whole[:count])


@settings(deadline=None)
@given(st.lists(st.tuples(USERS, st.sampled_from(["1", "2", "3"])), max_size=30).flatmap(st.permutations))
def test_the_latest_revision_is_the_one_of_highest_offset_in_any_order(keys: list[tuple[str, str]]) -> None:
    offsets = np.random.default_rng(len(keys)).permutation(len(keys)).tolist()
    table = pa.table(
        {
            "user_id": pa.array([user for user, _ in keys], pa.string()),
            "workout_id": pa.array([workout for _, workout in keys], pa.string()),
            "source_offset": pa.array(offsets, pa.int64()),
        }
    )
    newest: dict[tuple[str, str], int] = {}
    for key, offset in zip(keys, offsets, strict=True):
        newest[key] = max(offset, newest.get(key, -1))
    found = {(row["user_id"], row["workout_id"]): row["source_offset"] for row in latest(table).to_pylist()}
    assert found == newest
    assert latest(table).num_rows == len(newest)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=10), st.integers(0, 4))
def test_reciprocal_ranks_lie_between_those_of_the_best_and_worst_way_to_break_ties(
    scores: list[list[int]], chosen: int
) -> None:
    table = np.array(scores, dtype=float)
    found = rank_measures(np.full(len(scores), chosen), table)["mrr"]
    best = np.mean([1 / (1 + sum(other > row[chosen] for other in row)) for row in scores])
    worst = np.mean([1 / sum(other >= row[chosen] for other in row) for row in scores])
    assert worst - 1e-12 <= found <= best + 1e-12
