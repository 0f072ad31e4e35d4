"""Live sessions: what an athlete's devices say right now, and what their workout has come to so far.

A frame is live when it reaches the log soon after its last sample. A session is by the newest live frame of a workout;
it is over when the workout is, at the turn of a minute two to three minutes after its last sample, or when readings of
the last minutes are deleted: the next frame begins a new one then. Nothing here depends on how records are cut into
batches, on the order in which frames and workout events are met, nor on whether a record comes twice.
"""

from typing import Final

import msgspec

from domain.sports import rule_of

LIVE_DELAY_S: Final = 120
"""A frame whose last sample is further than this from its time in the log is an upload, not live."""
SILENCE_MINUTES: Final = 3
"""A session lasts for the minute of its last sample and those after it, so many in all."""
DELETED_WITHIN_S: Final = 120
"""A deletion that reaches into so many seconds before its time in the log ends the user's sessions."""
SMOOTHING_S: Final = 30
"""The current speed is the mean of so many seconds of event time."""
SPAN_S: Final = 10
"""Moving time is counted in spans of so many seconds."""
FRAME_SPANS: Final = 30
"""The last spans of a frame that count as moving time: five minutes. A live frame is hardly ever as long."""
STANDING_BELOW_M_S: Final = rule_of("other").moving_speed_m_s
"""Slower is standing still. One limit for all sports: the sport may become known after the frame."""
METRICS: Final = ("distance", "moving_time")
"""What the live board ranks by."""
REMEMBERED_S: Final = 86_400
"""How long a workout is known that nothing is heard of any more."""

_US: Final = 1_000_000
_OPEN_SPANS: Final = 60  # spans that a late frame may still fill; 64 bits hold them
_OPEN: Final = (1 << _OPEN_SPANS) - 1


class Session(msgspec.Struct, omit_defaults=True, gc=False):
    """A workout that is going on: its newest live frame, and what there is so far. ``None``: nobody said."""

    workout_id: str
    device_id: str
    time_us: int  # of the frame's last sample, UTC
    sport: str | None = None
    moving_time_s: int = 0  # of live frames, to SPAN_S
    distance_m: float | None = None  # the device's counter
    speed_m_s: float | None = None  # mean of SMOOTHING_S
    heart_rate_bpm: float | None = None
    cadence_rpm: float | None = None
    power_w: float | None = None
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    altitude_m: float | None = None


CHANNELS: Final = {
    "heart_rate_bpm": 0,
    "cadence_rpm": 0,
    "power_w": 0,
    "distance_m": 2,
    "latitude_deg": 7,
    "longitude_deg": 7,
    "altitude_m": 2,
}
"""What a session takes from the last sample of a frame that has it, and the decimals that devices send."""


class LiveFrame(msgspec.Struct, frozen=True, gc=False):
    """What a live frame adds to its session."""

    workout_id: str
    device_id: str
    time_us: int  # of the last sample
    moving: int  # bit i: the athlete moved in the i-th span before that of the last sample; FRAME_SPANS bits
    speed_sum_mm_s: int  # of the samples of the last SMOOTHING_S
    speed_count: int


class SoFar(msgspec.Struct, omit_defaults=True, gc=False):
    """What is known of a workout while it may go on."""

    heard_us: int = 0  # event time of the latest that was heard of it
    sport: str | None = None
    over: bool = False
    span: int = 0  # the newest span, in SPAN_S since 1970
    moving: int = 0  # bit i: moved in the i-th span before it
    settled: int = 0  # spans of moving before those
    speeds: list[tuple[int, int, int]] = msgspec.field(default_factory=list)  # frame's last sample (µs), sum, count

    def take(self, frame: LiveFrame) -> None:
        """Count a frame. One that was counted already changes nothing."""
        self.heard_us = max(self.heard_us, frame.time_us)
        span = frame.time_us // (SPAN_S * _US)
        if span > self.span:
            shift = min(span - self.span, _OPEN_SPANS)
            moved = self.moving << shift
            self.settled += (moved >> _OPEN_SPANS).bit_count()
            self.moving, self.span = (moved & _OPEN) | frame.moving, span
        else:
            self.moving |= (frame.moving << min(self.span - span, _OPEN_SPANS)) & _OPEN
        if frame.speed_count:
            said = (frame.time_us, frame.speed_sum_mm_s, frame.speed_count)
            newest_us = max([frame.time_us, *(speed[0] for speed in self.speeds)])
            others = [speed for speed in self.speeds if speed[0] != frame.time_us]
            self.speeds = [speed for speed in (*others, said) if speed[0] > newest_us - SMOOTHING_S * _US]

    def begin_anew(self) -> None:
        """Forget what was counted; sport and end are known still."""
        self.span = self.moving = self.settled = 0
        self.speeds = []

    @property
    def moving_time_s(self) -> int:
        """Seconds so far, to SPAN_S."""
        return (self.settled + self.moving.bit_count()) * SPAN_S

    def speed_m_s(self, time_us: int) -> float | None:
        """Mean speed of the SMOOTHING_S before a time, to mm/s; ``None`` where no frame tells."""
        total = count = 0
        for at_us, sum_mm_s, n in self.speeds:
            if at_us > time_us - SMOOTHING_S * _US:
                total, count = total + sum_mm_s, count + n
        return round(total / count) / 1000 if count else None


class LiveState(msgspec.Struct, omit_defaults=True, gc=False):
    """A user's workouts of the last day, as far as live sessions need them."""

    workouts: dict[str, SoFar] = msgspec.field(default_factory=dict)
    erased_us: int = 0

    def of(self, workout_id: str) -> SoFar:
        """What is known of a workout; begins with nothing."""
        known = self.workouts.get(workout_id)
        if known is None:
            known = self.workouts[workout_id] = SoFar()
        return known

    def heard(self, workout_id: str, time_us: int, *, sport: str | None = None, over: bool = False) -> None:
        """An event said that a workout began or is over."""
        known = self.of(workout_id)
        known.heard_us = max(known.heard_us, time_us)
        known.sport = sport or known.sport
        known.over = known.over or over

    def begin_anew(self) -> None:
        """Forget what was counted of all workouts: readings were deleted, and may be among it."""
        for known in self.workouts.values():
            known.begin_anew()

    @property
    def heard_us(self) -> int:
        """Event time of the latest that was heard."""
        return max([self.erased_us, *(known.heard_us for known in self.workouts.values())])

    def forget(self) -> None:
        """Let go of workouts of which nothing was heard for a day before the latest."""
        if len(self.workouts) > 1:
            since_us = self.heard_us - REMEMBERED_S * _US
            self.workouts = {id: known for id, known in self.workouts.items() if known.heard_us > since_us}


Sessions = dict[str, Session]
"""A user's sessions by workout: mostly one, two while two devices record two workouts."""


def is_newer(frame: LiveFrame, session: Session | None) -> bool:
    """Whether a session is by this frame from now on. Of two at one time it is by the device that sorts last."""
    return session is None or (frame.time_us, frame.device_id) >= (session.time_us, session.device_id)


def going_on(sessions: Sessions, state: LiveState) -> Sessions:
    """The sessions that may go on, with what there is so far; those that ended, or before an erasure, are not."""
    newest_us = max([session.time_us for session in sessions.values()], default=0)
    found: Sessions = {}
    for id, session in sessions.items():
        known = state.of(id)
        silent = over_s(session.time_us) + LIVE_DELAY_S <= newest_us // _US  # whatever the devices' clocks say
        if known.over or silent or session.time_us <= state.erased_us:
            continue
        session.sport, session.moving_time_s = known.sport, known.moving_time_s
        session.speed_m_s = known.speed_m_s(session.time_us)
        found[id] = session
    return found


def current(sessions: Sessions) -> Session | None:
    """The session that shows: the newest."""
    if len(sessions) == 1:
        (only,) = sessions.values()
        return only
    return max(sessions.values(), key=lambda session: (session.time_us, session.workout_id), default=None)


def minutes(time_us: int) -> range:
    """The minutes since 1970 in which a session is live whose last sample was at ``time_us``."""
    first = time_us // (60 * _US)
    return range(first, first + SILENCE_MINUTES)


def over_s(time_us: int) -> int:
    """When (Unix time) a session is over whose last sample was at ``time_us``, if nothing more comes."""
    return minutes(time_us).stop * 60
