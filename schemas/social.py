"""Facts between users: topic social-events.

The envelope's user is the athlete whom the fact is about, so that an athlete's followers, workouts and kudos are in one
partition.
"""

from typing import Literal

from schemas.envelope import Event, Part
from schemas.types import Text, User, Uuid


class FollowedData(Part):
    """The follower."""

    follower: User
    """Who follows the envelope's user."""


class Followed(Event[FollowedData]):
    """Someone follows the user from now on."""

    type: Literal["Followed"] = "Followed"
    version: Literal[1] = 1


class UnfollowedData(Part):
    """The follower."""

    follower: User
    """Who no longer follows the envelope's user."""


class Unfollowed(Event[UnfollowedData]):
    """Someone no longer follows the user."""

    type: Literal["Unfollowed"] = "Unfollowed"
    version: Literal[1] = 1


class KudosGivenData(Part):
    """Kudos."""

    workout_id: Uuid
    """The user's workout."""
    actor: User
    """Who gives them."""


class KudosGiven(Event[KudosGivenData]):
    """Someone likes a workout of the user."""

    type: Literal["KudosGiven"] = "KudosGiven"
    version: Literal[1] = 1


class CommentPostedData(Part):
    """The comment."""

    workout_id: Uuid
    """The user's workout."""
    comment_id: Uuid
    """The comment."""
    actor: User
    """Who wrote it."""
    text: Text
    """What they wrote."""


class CommentPosted(Event[CommentPostedData]):
    """Someone commented on a workout of the user."""

    type: Literal["CommentPosted"] = "CommentPosted"
    version: Literal[1] = 1


class CommentDeletedData(Part):
    """The comment that goes."""

    workout_id: Uuid
    """The user's workout."""
    comment_id: Uuid
    """The comment."""
    actor: User
    """Who deletes it."""


class CommentDeleted(Event[CommentDeletedData]):
    """A comment on a workout of the user is void."""

    type: Literal["CommentDeleted"] = "CommentDeleted"
    version: Literal[1] = 1
