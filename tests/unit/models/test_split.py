"""Nobody and no day is on both sides."""

import numpy as np

from models.rows import DAY_US
from models.split import HOLDOUT_SHARE, folds, held_out, split

USERS = np.repeat([f"user-{i}" for i in range(400)], 10)
AT_US = np.tile(np.arange(10), 400) * 9 * DAY_US


def test_no_athlete_is_on_both_sides_and_no_label_of_training_reaches_the_holdout() -> None:
    parts = split(USERS, AT_US, horizon_days=14)
    assert not set(USERS[parts.train]) & set(USERS[parts.holdout])
    assert AT_US[parts.train].max() + 14 * DAY_US <= parts.cutoff_us < AT_US[parts.holdout].min()


def test_about_a_quarter_of_the_athletes_is_held_out_and_new_ones_do_not_move_the_others() -> None:
    away = held_out(USERS)
    assert abs(away.mean() - HOLDOUT_SHARE) < 0.08
    more = held_out(np.concatenate([np.array(["newcomer"]), USERS[::-1]]))
    assert np.array_equal(more[1:][::-1], away)


def test_an_athlete_is_in_one_fold() -> None:
    fold = folds(USERS, 4)
    assert set(fold.tolist()) == {0, 1, 2, 3}
    assert (fold.reshape(400, 10) == fold.reshape(400, 10)[:, :1]).all()


def test_nothing_splits_into_nothing() -> None:
    parts = split(np.array([], dtype=str), np.array([], dtype=np.int64), 14)
    assert not parts.train.any()
    assert not parts.holdout.any()
