"""What readers of feeds need to know of themselves: whom they follow, and whom they are in a block with.

A document a user in ``circles``. ``follows.<athlete>`` is since when (µs) the user follows; ``merged.<athlete>`` the
same, of those whose timelines a page merges: more than so many ever followed at once. Both are written by whoever has
the athlete's partition. ``blocks.<other>``, ``visibility`` (the profile's audiences), ``zones`` (the hidden circles of
the privacy zones in force, never the homes) and ``first_week`` (before its Monday the user's timeline has nothing) come
from the user's own. Groups are in ``memberships`` (``stridelog.projections.groups``).
"""

from collections import defaultdict
from typing import Any, Final

from domain.feeds import ChosenAudiences
from domain.privacy_zones import PrivacyZone, hidden_circle
from domain.shown import ZoneChange, zones_in_force
from stridelog.projections.documents import Documents
from stridelog.projections.followers import Followers
from stridelog.state import State
from stridelog.workout_facts import CHOSEN

CIRCLES: Final = "circles"


def field_of(user: str) -> str:
    """A user's id as the name of a field: a dot would divide it."""
    return user.replace(".", "~")


def user_of(field: str) -> str:
    """The id of the user whom a field is named after."""
    return field.replace("~", ".")


class Circles:
    """The circles that one batch touches."""

    def __init__(self, state: State, most: int, privacy_key: bytes) -> None:
        self.state = state
        self.most = most
        self.privacy_key = privacy_key
        self._own: set[str] = set()
        self._zones: set[str] = set()
        self._blocks: set[tuple[str, str]] = set()
        self._followers: dict[str, set[str]] = defaultdict(set)
        self._all_followers: set[str] = set()

    def touch_own(self, user: str) -> None:
        """The audiences of the user's profile have changed."""
        self._own.add(user)

    def touch_zones(self, user: str) -> None:
        """The user's privacy zones have changed."""
        self._zones.add(user)

    def touch_block(self, user: str, other: str) -> None:
        """A block between the two began or ended."""
        self._blocks.add((user, other))

    def touch_follower(self, athlete: str, follower: str, *, is_new: bool) -> None:
        """How ``follower`` stands to the athlete may have changed.

        Timelines begin to be merged, or cease to, for all followers at once. A change moves the most who ever followed
        by one, so that it is one of two numbers then. Of a change that was known already (a crash between two stores)
        nothing is known about the numbers at that time.
        """
        self._followers[athlete].add(follower)
        followers = self.state.index(athlete, Followers)
        if not is_new or followers.peak(self.most + 1) in (self.most, self.most + 1):
            self._all_followers.add(athlete)

    def write(self, found: Documents) -> None:
        """Everything touched, as it is now."""
        for user in self._own:
            chosen = self.state.get(user, ChosenAudiences, CHOSEN)
            if chosen is not None:
                audiences = {name: getattr(chosen.fact, name) for name in ("workout", "map", "heart_rate")}
                found.set(CIRCLES, user, "visibility", audiences)
        for user in self._zones:
            changes = [known.fact for known in self.state.facts(user, ZoneChange).values()]
            zones = [_hidden(zone, self.privacy_key) for zone in zones_in_force(changes)]
            found.put(CIRCLES, user, "zones", zones or None)
        for user, other in self._blocks:
            blocked = self.state.index(user, Followers).is_blocked(other)
            found.put(CIRCLES, user, f"blocks.{field_of(other)}", blocked or None)
        for athlete, touched in self._followers.items():
            followers = self.state.index(athlete, Followers)
            merged = followers.peak(self.most + 1) > self.most
            for follower in followers.ever() if athlete in self._all_followers else touched:
                since_us = followers.since_us(follower)
                found.put(CIRCLES, follower, f"follows.{field_of(athlete)}", since_us)
                found.put(CIRCLES, follower, f"merged.{field_of(athlete)}", since_us if merged else None)


def _hidden(zone: PrivacyZone, key: bytes) -> dict[str, Any]:
    circle = hidden_circle(zone, key)
    return {
        "zone_id": zone.zone_id,
        "latitude_deg": circle.latitude_deg,
        "longitude_deg": circle.longitude_deg,
        "radius_m": zone.radius_m,
    }
