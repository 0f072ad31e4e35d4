"""What one person may see of another's live session."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.athlete import Athlete
from domain.days import local_day
from domain.live import Session
from domain.privacy_zones import HiddenCircle, hide
from domain.visibility import UNCHOSEN, Audiences, Relation, may_see
from domain.zones import heart_rate_zone

NOBODY: Final = Relation()
"""What a stranger is to an athlete."""


@dataclass(frozen=True, slots=True)
class Permission:
    """How a viewer stands to an athlete, and what the athlete shows and hides of the workout."""

    relation: Relation = NOBODY
    audiences: Audiences = UNCHOSEN
    circles: Sequence[HiddenCircle] = ()


NOTHING_KNOWN: Final = Permission()
"""Of somebody who is nothing to the viewer and has chosen nothing: shows nothing."""


@dataclass(frozen=True, slots=True)
class LiveView:
    """A session as a viewer sees it; ``None``: not known, or not theirs to see."""

    user: str
    workout_id: str
    time_us: int
    sport: str | None
    in_privacy_zone: bool  # where they are right now is hidden, and with it all that is measured there
    distance_m: float | None = None
    moving_time_s: int | None = None
    speed_m_s: float | None = None
    heart_rate_bpm: float | None = None
    heart_rate_zone: int | None = None  # 1 to 5
    cadence_rpm: float | None = None
    power_w: float | None = None
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    altitude_m: float | None = None


def live_view(
    session: Session, owner: str, viewer: str | None, permission: Permission, athlete: Athlete
) -> LiveView | None:
    """What ``viewer`` (``None``: not signed in) may see of ``owner``'s session; ``None``: nothing.

    Owners see all. Others see what the audiences of the workout, its map and its heart rate let them. Of an athlete
    with privacy zones they see:

    * while the athlete is in one, or the device has no position: that they train, and nothing that is measured;
    * never the distance and the time so far. Both are of the whole way: beside the place where the shown track begins
      they would tell how far from it the home is (see ``domain.privacy_zones.shown_part``).

    ``athlete`` gives the threshold or maximum for the zone of the heart rate.
    """

    def allowed(layer: str) -> bool:
        return may_see(viewer, owner, permission.relation, layer, permission.audiences).allowed  # type: ignore[arg-type]

    if not allowed("workout"):
        return None
    is_owner = viewer == owner
    circles = () if is_owner else permission.circles
    hidden = bool(circles) and not _is_shown(session, circles)
    shown = LiveView(owner, session.workout_id, session.time_us, session.sport, hidden)
    if hidden:
        return shown
    heart_rate = session.heart_rate_bpm if allowed("heart_rate") else None
    year = local_day(session.time_us, "UTC").year
    place = allowed("map")
    return LiveView(
        owner,
        session.workout_id,
        session.time_us,
        session.sport,
        hidden,
        distance_m=None if circles else session.distance_m,
        moving_time_s=None if circles else session.moving_time_s,
        speed_m_s=session.speed_m_s,
        heart_rate_bpm=heart_rate,
        heart_rate_zone=None if heart_rate is None else heart_rate_zone(heart_rate, athlete, year),
        cadence_rpm=session.cadence_rpm,
        power_w=session.power_w,
        latitude_deg=session.latitude_deg if place else None,
        longitude_deg=session.longitude_deg if place else None,
        altitude_m=session.altitude_m if place else None,
    )


def _is_shown(session: Session, circles: Sequence[HiddenCircle]) -> bool:
    nan = float("nan")
    latitude = np.array([nan if session.latitude_deg is None else session.latitude_deg])
    longitude = np.array([nan if session.longitude_deg is None else session.longitude_deg])
    return bool(hide(latitude, longitude, circles, session.workout_id)[0])
