"""One activity recorded by several devices, formats or providers becomes one workout.

The rule. Two workouts of one user are copies of each other when all of these hold:

1. *Same time*: they overlap for at least 80 % of the shorter one. A watch started at the door and a bike
   computer started at the gate differ by less.
2. *Same extent*: the shorter one is at least 60 % as long as the longer one. So the running leg of a
   triathlon is not a copy of the whole race, and because 60 % is more than a half, two legs that follow each
   other can never both match the whole and thereby become copies of each other.
3. *Same kind*: their sports may be names for the same activity (:func:`domain.sports.may_be_the_same`):
   walking and hiking, cycling and e-bike, anything and a file that names no sport; never a multisport race
   and one of its legs.
4. *Same way*: where both recorded places, they did not run apart from each other (:func:`domain.apart.together_apart`:
   five minutes and more at the same time, over a kilometre by the median). Two people on one account, or a
   watch that was lent, are two workouts. Without places on either side, time has to do. Other channels are no
   evidence: a wrist sensor that follows the steps disagrees with a strap for an hour, and its run would count twice.

Copies of copies are copies (the relation is closed transitively), so the result does not depend on the order
in which workouts arrive. Of each cluster one workout is canonical and counts for boards, feeds, load and
features: the one with the most channels, then the most samples, then the longest, then the smallest id. A
workout without length (manual entry of a moment) is a copy only of one with the very same start, end and
kind. Clocks that are wrong by hours cannot be told from two workouts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from domain.sports import may_be_the_same

MIN_OVERLAP_OF_SHORTER: Final = 0.8
MIN_LENGTH_OF_LONGER: Final = 0.6


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the rule needs of one workout: its time (UTC, microseconds since 1970), sport, and how much was
    recorded.
    """

    workout_id: str
    start_us: int
    end_us: int
    sport: str
    channels: int  # how many channels have samples
    samples: int


IsApart = Callable[[str, str], bool]
"""Whether two workouts, by id, ran apart from each other by their places; symmetric."""


def may_be_copies(a: Candidate, b: Candidate) -> bool:
    """Whether two workouts of one user are copies but for the way that they took; symmetric."""
    if not may_be_the_same(a.sport, b.sport):
        return False
    length_a, length_b = a.end_us - a.start_us, b.end_us - b.start_us
    shorter, longer = min(length_a, length_b), max(length_a, length_b)
    if shorter <= 0:
        return (a.start_us, a.end_us) == (b.start_us, b.end_us)
    overlap = min(a.end_us, b.end_us) - max(a.start_us, b.start_us)
    return overlap >= MIN_OVERLAP_OF_SHORTER * shorter and shorter >= MIN_LENGTH_OF_LONGER * longer


def clusters(workouts: Iterable[Candidate], is_apart: IsApart) -> dict[str, str]:
    """Map each workout of one user to the canonical workout of its cluster (itself when it has no copy, or is
    the canonical one). ``is_apart`` is asked of pairs that are copies otherwise.

    Independent of the order of ``workouts``. A workout id that is given twice raises ``ValueError``.
    """
    ordered = sorted(workouts, key=lambda w: (w.start_us, w.end_us, w.workout_id))
    leader = list(range(len(ordered)))

    def root(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    running: list[int] = []  # workouts that have not ended where the sweep is
    for i, workout in enumerate(ordered):
        running = [j for j in running if ordered[j].end_us >= workout.start_us]
        for j in running:
            other = ordered[j]
            if may_be_copies(other, workout) and not is_apart(other.workout_id, workout.workout_id):
                leader[root(i)] = root(j)
        running.append(i)

    members: dict[int, list[Candidate]] = {}
    for i, workout in enumerate(ordered):
        members.setdefault(root(i), []).append(workout)
    canonical: dict[str, str] = {}
    for cluster in members.values():
        best = min(cluster, key=_priority)
        for workout in cluster:
            if workout.workout_id in canonical:
                raise ValueError(f"workout {workout.workout_id} is given twice: give each workout of the user once")
            canonical[workout.workout_id] = best.workout_id
    return canonical


def _priority(workout: Candidate) -> tuple[int, int, int, str]:
    return (-workout.channels, -workout.samples, workout.start_us - workout.end_us, workout.workout_id)
