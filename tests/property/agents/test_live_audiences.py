"""Whatever athletes have chosen and done to each other, the live board shows what that allows, and nothing else."""

from collections.abc import Mapping, Sequence
from math import asin, cos, radians, sin, sqrt
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.athlete import Athlete
from domain.live import Session
from domain.live_view import LiveView, live_view
from domain.privacy_zones import extra_m, hidden_circle
from domain.visibility import Relation
from stridelog.feed_pages import Circle, permission
from stridelog.live_board import Ranking
from tests.property.social_world import (
    ATHLETES,
    GROUPS,
    HOMES,
    KEY,
    T0,
    WORLDS,
    circles_of,
    shuffled,
    workout_of,
    written,
)
from verification.feeds import Social, social_of
from verification.outcomes import Valid
from verification.workouts import zones_of

VIEWERS = (*ATHLETES, "dan", "eve")
ATHLETE = Athlete(lthr_bpm=170.0)
EARTH_M = 6_371_008.8
METRES = st.integers(0, 1_600)  # north of a home
PLACES = st.none() | st.tuples(st.sampled_from(HOMES), METRES).map(lambda at: (at[0][0] + at[1] / 111_195, at[0][1]))
BY_HEART_RATE = {"heart_rate_bpm", "heart_rate_zone"}
BY_PLACE = {"latitude_deg", "longitude_deg", "altitude_m"}
OF_THE_WHOLE_WAY = {"distance_m", "moving_time_s"}


@st.composite
def trainings(draw: st.DrawFn) -> dict[str, Session]:
    """A session for each athlete, in or near a home."""
    found = {}
    for athlete in ATHLETES:
        latitude_deg, longitude_deg = draw(PLACES) or (None, None)
        found[athlete] = Session(
            workout_id=workout_of(athlete, 0),
            device_id="watch",
            time_us=T0,
            sport=draw(st.sampled_from(["running", "cycling"])),
            moving_time_s=draw(st.sampled_from([600, 610, 620])),
            distance_m=2_000.0,
            speed_m_s=3.0,
            heart_rate_bpm=150.0,
            latitude_deg=latitude_deg,
            longitude_deg=longitude_deg,
            altitude_m=100.0,
        )
    return found


def board(
    circles: Mapping[str, Any], sessions: Mapping[str, Session], viewer: str, sport: str, top: int
) -> tuple[list[tuple[int | None, LiveView]], int | None]:
    """Ranks and views as the live board gives them, and the viewer's own rank."""
    known = {user: Circle.of(user, circles.get(user), {"groups": sorted(GROUPS.get(user, ()))}) for user in VIEWERS}
    ranking = Ranking("moving_time", sport, top, viewer)
    for user, session in sorted(sessions.items(), key=lambda one: (-one[1].moving_time_s, one[0])):
        view = live_view(session, user, viewer, permission(known[viewer], known[user], KEY), ATHLETE)
        if view is not None:
            ranking.add(view)
    return [(row.rank, row.view) for row in ranking.rows], ranking.mine.rank if ranking.mine else None


def relation(athletes: Mapping[str, Social], viewer: str, owner: str) -> Relation:
    found = athletes.get(owner, Social()).relation(viewer, owner)
    return Relation(found.follows, bool(GROUPS.get(viewer, set()) & GROUPS.get(owner, set())), found.blocked)


def admits(audience: str, of: Relation) -> bool:
    return {"everyone": True, "followers": of.follows, "group": of.shares_group, "only_me": False}[audience]


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    (phi_a, lam_a), (phi_b, lam_b) = ((radians(latitude), radians(longitude)) for latitude, longitude in (a, b))
    half = sin((phi_a - phi_b) / 2) ** 2 + cos(phi_a) * cos(phi_b) * sin((lam_a - lam_b) / 2) ** 2
    return 2 * EARTH_M * asin(sqrt(half))


def seen(athletes: Mapping[str, Social], viewer: str, owner: str, session: Session) -> set[str] | None:
    """The figures of a session that a viewer may see; ``None``: they do not see that there is one."""
    social, of = athletes.get(owner, Social()), relation(athletes, viewer, owner)
    audiences, zones = social.chosen[2], zones_of(social.hidden)
    figures = {"speed_m_s", *BY_HEART_RATE, *BY_PLACE, *OF_THE_WHOLE_WAY}
    if session.latitude_deg is None:
        figures -= {"latitude_deg", "longitude_deg"}
    if viewer == owner:
        return figures
    if of.blocked or not admits(audiences.workout, of):
        return None
    if zones:
        figures -= OF_THE_WHOLE_WAY
    if session.latitude_deg is None or session.longitude_deg is None:
        if zones:
            return set()
    else:
        for circle in (hidden_circle(zone, KEY) for zone in zones):
            at = metres((session.latitude_deg, session.longitude_deg), (circle.latitude_deg, circle.longitude_deg))
            if at <= circle.radius_m + extra_m(circle, session.workout_id):
                return set()
    figures -= set() if admits(audiences.map, of) else BY_PLACE
    return figures - (set() if admits(audiences.heart_rate, of) else BY_HEART_RATE)


def figures_of(view: LiveView) -> set[str]:
    names = ("speed_m_s", *BY_HEART_RATE, *BY_PLACE, *OF_THE_WHOLE_WAY)
    return {name for name in names if getattr(view, name) is not None}


@given(WORLDS, st.randoms(use_true_random=False), trainings(), st.sampled_from(["all", "running"]), st.integers(1, 4))
@settings(deadline=None, max_examples=300)
def test_everybody_sees_whom_and_what_they_may_ranked_among_those(
    messages: Sequence[Any], random: Any, sessions: dict[str, Session], sport: str, top: int
) -> None:
    circles = circles_of(written(shuffled(messages, random), [], most=1))
    athletes = social_of(Valid(offset, 0, message) for offset, message in enumerate(messages))
    for viewer in VIEWERS:
        allowed = {owner: seen(athletes, viewer, owner, session) for owner, session in sessions.items()}
        shown = {o: some for o, some in allowed.items() if some is not None and sport in ("all", sessions[o].sport)}
        times = {owner: sessions[owner].moving_time_s for owner, some in shown.items() if "moving_time_s" in some}
        ranks = {owner: 1 + sum(other > time for other in times.values()) for owner, time in times.items()}
        rows, mine = board(circles, sessions, viewer, sport, top)
        in_order = sorted(ranks, key=lambda owner: (ranks[owner], owner))
        wanted = [*in_order, *(sorted(shown.keys() - ranks.keys()) if len(ranks) < top else ())][:top]
        assert [(rank, view.user, figures_of(view)) for rank, view in rows] == [
            (ranks.get(owner), owner, shown[owner]) for owner in wanted
        ]
        assert mine == ranks.get(viewer)


@given(WORLDS, trainings())
@settings(deadline=None, max_examples=100)
def test_nobody_sees_who_blocked_them_or_whom_they_blocked_by_the_record_of_either(
    messages: Sequence[Any], sessions: dict[str, Session]
) -> None:
    circles = circles_of(written(messages, [], most=1))
    pairs = {(user, other.replace("~", ".")) for user, circle in circles.items() for other in circle.get("blocks", ())}
    for told, other in pairs:
        late = {**circles, other: {**circles.get(other, {}), "blocks": {}}}  # the other's record has not come yet
        for viewer, owner in ((told, other), (other, told)):
            rows, _ = board(late, sessions, viewer, "all", 10)
            assert owner not in {view.user for _, view in rows}
