"""The town as a discrete-event simulation: people plan their days, train, get hurt, and their messages come out in the
order in which they are sent.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from typing import Final

import numpy as np

from domain.days import local_day, zone_info
from simulator import circuits, sending
from simulator.athletes import Person, person_of
from simulator.clubs import club_life
from simulator.faults import Faults
from simulator.form import Form
from simulator.habits import Plan, plan_day, usual_load
from simulator.injuries import injury_after
from simulator.message import Dispatch, dispatch
from simulator.nights import night
from simulator.people import changed_consent, changed_profile, first_events, reported
from simulator.physiology import perform
from simulator.social import Society

_S_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _S_US
_MAY_PAUSE_US: Final = 900 * _S_US  # a workout ends at most so long after its planned end, or nearly so
MESSAGE_TYPES: Final = (
    "UserRegistered",
    "ProfileChanged",
    "ZonesSet",
    "ConsentChanged",
    "VisibilityChanged",
    "PrivacyZoneSet",
    "InjuryReported",
    "WorkoutStarted",
    "SensorFrame",
    "ReadingsDeleted",
    "WorkoutCompleted",
    "WorkoutEdited",
    "WorkoutDeleted",
    "Followed",
    "Unfollowed",
    "Blocked",
    "Unblocked",
    "KudosGiven",
    "CommentPosted",
    "CommentDeleted",
    "GroupCreated",
    "GroupJoined",
    "GroupLeft",
    "GroupRoleChanged",
    "GroupMemberRemoved",
    "ChallengeDefined",
    "ChallengeJoined",
    "ChallengeLeft",
    "GoalSet",
    "GoalRemoved",
    "SegmentDefined",
    "SegmentRemoved",
)
_FROM_DEVICES: Final = frozenset({"SensorFrame", "ReadingsDeleted", "WorkoutStarted", "WorkoutCompleted"})
_CONSENT_CHANGES_A_DAY: Final = 0.0003


@dataclass(frozen=True, slots=True)
class TownConfig:
    """A town and a span of time. The same configuration gives the same bytes."""

    seed: int
    athletes: int
    first_day: date  # of the simulation, a local day everywhere
    until_us: int | None  # no workout ends later; ``None``: it goes on for ever
    from_us: int = 0  # workouts that ended before, and what people did before, are lived through but not sent
    sampling_s: int = 5  # between two samples
    samples_per_frame: int = 60
    faults: Faults = field(default_factory=Faults)

    @property
    def start_us(self) -> int:
        """The first day's midnight, UTC."""
        first = self.first_day
        return int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) * _S_US


class Town:
    """Athletes, their forms and the messages that wait for their time. ``messages`` can be run once."""

    def __init__(self, config: TownConfig) -> None:
        self.config = config
        year = config.first_day.year
        self.people = [person_of(config.seed, index, year) for index in range(config.athletes)]
        self.society = Society(config.seed, self.people)
        self._forms = [Form(usual_load(person), config.first_day) for person in self.people]
        self._lives = [np.random.default_rng((config.seed, 5, person.index)) for person in self.people]
        self._waiting: list[tuple[int, int, Dispatch | Callable[[], None]]] = []
        self._order = count()

    def messages(self) -> Iterator[Dispatch]:
        """All messages in the order of their sending; registrations and consents first.

        Memory holds the workouts under way and what is late, not the whole span. Registrations, the graph and segments
        are sent even if they are older than ``from_us``: to send them again does no harm.
        """
        config = self.config
        yield from sorted(
            (event for person in self.people for event in first_events(person, config.start_us, config.seed)),
            key=lambda event: event.at_us,
        )
        self._send(self.society.beginnings(config.start_us))
        self._send(club_life(config.seed, self.people, config.start_us))
        self._send(circuits.segments(config.seed, self.people, config.start_us))
        for person in self.people:
            self._at_midnight(person, config.first_day)
        while self._waiting:
            at_us, _, what = heapq.heappop(self._waiting)
            if not isinstance(what, Dispatch):
                what()
            elif config.until_us is None or at_us <= config.until_us or what.type in _FROM_DEVICES:
                yield what

    def _at(self, at_us: int, what: Dispatch | Callable[[], None]) -> None:
        heapq.heappush(self._waiting, (at_us, next(self._order), what))

    def _send(self, messages: Iterable[Dispatch]) -> None:
        for message in messages:
            self._at(message.at_us, message)

    def _send_if_new(self, message: Dispatch) -> None:
        if message.at_us >= self.config.from_us:
            self._at(message.at_us, message)

    def _at_midnight(self, person: Person, day: date) -> None:
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone_info(person.place.zone))
        at_us = int(midnight.timestamp()) * _S_US
        if self.config.until_us is None or at_us < self.config.until_us:
            self._at(at_us, partial(self._live, person, day, at_us))

    def _live(self, person: Person, day: date, now_us: int) -> None:
        """A local day begins."""
        form, rng = self._forms[person.index], self._lives[person.index]
        form.advance(day)
        profile = changed_profile(person, form, now_us)
        if profile is not None:
            self._send_if_new(dispatch(now_us, profile))
        if rng.random() < _CONSENT_CHANGES_A_DAY:
            self._send_if_new(dispatch(now_us, changed_consent(person, now_us, rng)))
        self._sleep(person, day, now_us)
        for plan in plan_day(person, form, day, rng):
            self._at(plan.start_us, partial(self._train, person, plan))
        self._at_midnight(person, day + timedelta(days=1))

    def _sleep(self, person: Person, day: date, now_us: int) -> None:
        """What a band measures at the beginning and the end of the day."""
        config = self.config
        if now_us + 2 * _DAY_US < config.from_us:
            return
        for frame in night(person, self._forms[person.index], day, config.faults, config.seed):
            if config.until_us is None or frame.at_us <= config.until_us:
                self._send_if_new(frame)

    def _train(self, person: Person, plan: Plan) -> None:
        """A planned workout begins, unless the athlete is hurt or time is over."""
        config, form = self.config, self._forms[person.index]
        last_us = plan.start_us + plan.duration_s * _S_US + _MAY_PAUSE_US
        if form.injured_from_us <= plan.start_us < form.injured_until_us:
            return
        if config.until_us is not None and last_us > config.until_us:
            return
        form.advance(local_day(plan.start_us, person.place.zone))
        performance, fatigue = form.performance, form.fatigue - form.fitness
        distance_m = plan.distance_m(person, performance)
        longest_m = form.longest_m(plan.sport)
        form.add(plan.load, plan.sport, distance_m)
        self._risk(person, plan, distance_m / longest_m if longest_m > 0 else 0.0)
        if last_us <= config.from_us:
            return
        rng = np.random.default_rng((config.seed, 6, person.index, form.workouts))
        workout = perform(person, plan, performance=performance, fatigue=fatigue, sampling_s=config.sampling_s, rng=rng)
        if plan.by_hand:
            self._send(sending.by_hand(person, workout, rng))
        else:
            self._send(sending.by_device(person, workout, config.faults, config.samples_per_frame, rng, self.people))
        self._send(sending.afterwards(person, workout, rng))
        self._send(self.society.applause(person, sending.workout_id(person, workout), workout.end_us, rng))

    def _risk(self, person: Person, plan: Plan, spike_ratio: float) -> None:
        form = self._forms[person.index]
        injury = injury_after(
            person,
            form,
            sport=plan.sport,
            spike_ratio=spike_ratio,
            end_us=plan.start_us + plan.duration_s * _S_US,
            year=form.day.year,
            rng=self._lives[person.index],
        )
        if injury is not None and injury.onset_us >= form.injured_until_us:
            form.injured_from_us = injury.onset_us
            form.injured_until_us = injury.onset_us + injury.days_lost * _DAY_US
            self._send_if_new(dispatch(injury.reported_us, reported(person, injury)))
