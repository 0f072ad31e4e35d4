"""The one place of Redis key names. Every key starts with the namespace, so that one server can carry several."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Redis keys of one namespace.

    * ``live(user)``: JSON, workout → the session that a user's devices send right now; expires by itself;
    * ``live_state(user)``: JSON, what the user's workouts of the last day have come to; expires by itself;
    * ``live_board(…)``: sorted set, the users who are live in one minute by one figure; expires with the minute;
    * ``thresholds(user)``: hash, figure of the profile that heart rate zones need → value;
    * ``rank(…)``: sorted set of a board, member user, score by ``domain.boards.encode_rank_score``;
    * ``boards_changed()``: hash, board as ``metric:sport:period:period_key`` → a token that is new with every change,
      until somebody has looked what that means for the head of the board;
    * ``names()``: hash, user → display name, so that a ranking is read without another store;
    * ``notifications(user)``: list of in-app notifications, newest first;
    * ``watermarks(agent)``: hash, ``topic/partition`` → next offset;
    * ``owners(agent)``: hash, ``topic/partition`` → token of the claim.
    """

    namespace: str

    def live(self, user: str) -> str:
        """JSON: a user's live sessions by workout."""
        return f"{self.namespace}:live:{user}"

    def live_state(self, user: str) -> str:
        """JSON: what live sessions need of a user's workouts of the last day."""
        return f"{self.namespace}:live-state:{user}"

    def live_board(self, metric: str, minute: int | str) -> str:
        """Sorted set: users who are live in a minute (since 1970) by a figure of their session."""
        return f"{self.namespace}:live-board:{metric}:{minute}"

    def thresholds(self, user: str) -> str:
        """Hash: figure of a user's profile, such as ``lthr_bpm`` → value."""
        return f"{self.namespace}:thresholds:{user}"

    def rank(self, metric: str, sport: str, period: str, period_key: str) -> str:
        """Sorted set: users of one board by encoded score."""
        return f"{self.namespace}:rank:{metric}:{sport}:{period}:{period_key}"

    def boards_changed(self) -> str:
        """Hash: boards that have changed since their heads were announced → token of the change."""
        return f"{self.namespace}:boards-changed"

    def names(self) -> str:
        """Hash: user → display name."""
        return f"{self.namespace}:names"

    def watermarks(self, agent: str) -> str:
        """Hash: the sink's own, ``topic/partition`` → next offset."""
        return f"{self.namespace}:watermarks:{agent}"

    def owners(self, agent: str) -> str:
        """Hash: the sink's own, ``topic/partition`` → token of the last claim."""
        return f"{self.namespace}:owners:{agent}"
