"""Places on the live board."""

from domain.live_view import LiveView
from stridelog.live_board import Ranking


def view(user: str, moving_time_s: int | None, sport: str | None = "running") -> LiveView:
    return LiveView(user, f"w-{user}", 0, sport, in_privacy_zone=False, moving_time_s=moving_time_s)


def ranking(*views: LiveView, sport: str = "all", top: int = 3, viewer: str | None = None) -> Ranking:
    found = Ranking("moving_time", sport, top, viewer)
    for one in views:
        found.add(one)
    return found


def places(found: Ranking) -> list[tuple[int | None, str]]:
    return [(row.rank, row.view.user) for row in found.rows]


def test_equal_figures_share_a_place() -> None:
    found = ranking(view("a", 50), view("b", 40), view("c", 40), view("d", 30), top=4)
    assert places(found) == [(1, "a"), (2, "b"), (2, "c"), (4, "d")]


def test_only_those_of_the_sport_are_ranked_and_trail_runners_run() -> None:
    found = ranking(
        view("a", 50, "cycling"), view("b", 40), view("c", 30, None), view("d", 20, "trail_running"), sport="running"
    )
    assert places(found) == [(1, "b"), (2, "d")]


def test_my_place_is_known_when_it_is_below_the_top() -> None:
    found = ranking(view("a", 50), view("b", 40), view("me", 30), top=2, viewer="me")
    assert places(found) == [(1, "a"), (2, "b")]
    assert found.mine is not None
    assert found.mine.rank == 3


def test_who_hides_a_figure_is_last_whatever_it_is() -> None:
    for hidden_first in (True, False):
        hidden, others = [view("y", None), view("x", None)], [view("b", 40), view("c", 30)]
        found = ranking(*(hidden + others if hidden_first else others + hidden), top=10)
        assert places(found) == [(1, "b"), (2, "c"), (None, "x"), (None, "y")]


def test_whether_who_hides_a_figure_is_shown_does_not_tell_it() -> None:
    above, below = ranking(view("x", None), view("b", 40), top=1), ranking(view("b", 40), view("x", None), top=1)
    assert places(above) == places(below) == [(1, "b")]
