"""Swimming: pace, critical swim speed, stroke counts and the load of a swim."""

from typing import Final

LENGTH_UNIT_M: Final = 100.0


def pace_s_per_100_m(distance_m: float, duration_s: float) -> float:
    """Seconds for 100 m. Raises ``ValueError`` for a distance of 0 or less."""
    if distance_m <= 0:
        raise ValueError(f"distance is {distance_m} m: it must be above 0")
    return duration_s / distance_m * LENGTH_UNIT_M


def swolf(duration_s: float, strokes: int) -> float:
    """Seconds plus strokes of one length of the pool; lower is better. A convention of swim coaches.

    Criticism: it depends on the pool's length and on the swimmer's, so it compares one swimmer with themselves in one
    pool, and it rewards gliding.
    """
    return duration_s + strokes


def critical_swim_speed_m_s(short_m: float, short_duration_s: float, long_m: float, long_duration_s: float) -> float:
    """Critical swim speed from two all-out swims, mostly 200 m and 400 m: the metres between them by the seconds.

    Wakayoshi et al. 1992, doi 10.1007/BF00717953. Raises ``ValueError`` unless the long swim is longer in metres and
    in seconds.

    Criticism: two swims have no error to show: a bad start of one moves the speed as much as a month of training.
    """
    if long_m <= short_m or long_duration_s <= short_duration_s:
        raise ValueError(
            f"{long_m} m in {long_duration_s} s is not longer than {short_m} m in {short_duration_s} s: give the"
            " short swim first"
        )
    return (long_m - short_m) / (long_duration_s - short_duration_s)


def swim_stress_score(duration_s: float, speed_m_s: float, threshold_speed_m_s: float) -> float:
    """100 × hours × (speed / threshold speed)³: an hour at threshold is 100.

    Threshold is the critical swim speed. The cube, not the square of the bicycle's score, because the power that water
    takes grows with the cube of speed (Toussaint and Beek 1992, doi 10.2165/00007256-199213010-00002).

    Raises ``ValueError`` for a threshold of 0 or less.

    Criticism: rests at the wall belong to an interval session and lower its speed: give swum seconds and metres.
    """
    if threshold_speed_m_s <= 0:
        raise ValueError(f"threshold speed is {threshold_speed_m_s} m/s: it must be above 0")
    return 100.0 * duration_s / 3600.0 * (speed_m_s / threshold_speed_m_s) ** 3
