"""What a live session comes to, and when it is over."""

import pytest

from domain.live import LiveFrame, LiveState, Session, SoFar, current, going_on, is_newer, minutes, over_s

MINUTE_US = 60_000_000
T0 = 1_795_000_020_000_000  # the turn of a minute


def frame(seconds: int, *, moving: int = 1, speed: tuple[int, int] = (0, 0), device: str = "watch") -> LiveFrame:
    """A frame whose last sample is so many seconds after T0."""
    return LiveFrame("w", device, T0 + seconds * 1_000_000, moving, *speed)


def so_far(*frames: LiveFrame) -> SoFar:
    known = SoFar()
    for one in frames:
        known.take(one)
    return known


def session(seconds: int, workout_id: str = "w", device: str = "watch") -> Session:
    return Session(workout_id, device, T0 + seconds * 1_000_000)


def test_moving_time_counts_each_span_once_whatever_says_so_and_however_late() -> None:
    first, second, overlapping = frame(9, moving=0b1), frame(29, moving=0b11), frame(19, moving=0b11)
    assert so_far(first, second).moving_time_s == 30
    assert so_far(second, first, overlapping, second).moving_time_s == 30
    assert so_far(frame(9, moving=0), frame(19, moving=1)).moving_time_s == 10


def test_moving_time_goes_on_for_hours() -> None:
    spans = [frame(10 * n) for n in range(3 * 360)]
    assert so_far(*spans).moving_time_s == 3 * 3_600
    assert so_far(*spans, *spans[-50:]).moving_time_s == 3 * 3_600
    assert so_far(spans[0], frame(7_200)).moving_time_s == 20


def test_what_is_kept_of_a_workout_does_not_grow() -> None:
    known = so_far(*(frame(second, speed=(3_000, 1)) for second in range(3_600)))
    assert len(known.speeds) == 30
    assert known.moving < 1 << 60


def test_the_current_speed_is_the_mean_of_the_samples_of_thirty_seconds() -> None:
    known = so_far(frame(0, speed=(90_000, 10)), frame(20, speed=(20_000, 10)), frame(31, speed=(45_000, 5)))
    assert known.speed_m_s(T0 + 31_000_000) == pytest.approx(65 / 15, abs=5e-4)
    assert known.speed_m_s(T0 + 61_000_000) is None, "nothing that is older"
    assert so_far(frame(20, speed=(20_000, 10)), frame(20, speed=(20_000, 10))).speed_m_s(T0 + 20_000_000) == 2.0


def test_an_older_frame_does_not_take_the_place_of_a_newer_one() -> None:
    assert is_newer(frame(5), None)
    assert is_newer(frame(5), session(4))
    assert not is_newer(frame(3), session(4))
    assert is_newer(frame(4), session(4)), "the same again"
    assert not is_newer(frame(4, device="strap"), session(4)), "of two at a time the device that sorts last"


@pytest.mark.parametrize(("seconds", "over_after"), [(0, 180), (59, 180), (60, 240)])
def test_a_session_is_over_at_the_turn_of_a_minute_two_to_three_after_its_last_sample(
    seconds: int, over_after: int
) -> None:
    time_us = T0 + seconds * 1_000_000
    assert over_s(time_us) == T0 // 1_000_000 + over_after
    assert len(minutes(time_us)) == 3
    assert minutes(time_us).start == time_us // MINUTE_US


def test_a_session_ends_with_its_workout_or_by_erasure_and_the_other_device_s_workout_shows() -> None:
    state = LiveState()
    both = {"w": session(10), "v": session(5, "v")}
    shown = current(going_on(both, state))
    assert shown is not None
    assert shown.workout_id == "w"
    state.heard("w", T0, over=True)
    shown = current(going_on(both, state))
    assert shown is not None
    assert shown.workout_id == "v"
    state.erased_us = T0 + 5_000_000
    assert current(going_on(both, state)) is None


def test_a_session_takes_its_sport_from_the_start_whenever_that_is_heard() -> None:
    state = LiveState()
    (found,) = going_on({"w": session(0)}, state).values()
    assert found.sport is None
    state.heard("w", T0, sport="rowing")
    (found,) = going_on({"w": session(0)}, state).values()
    assert found.sport == "rowing"


def test_workouts_are_forgotten_a_day_after_they_were_heard_of() -> None:
    state = LiveState()
    state.heard("old", T0)
    state.heard("w", T0 + 86_399_000_000)
    state.forget()
    assert set(state.workouts) == {"old", "w"}
    state.heard("w", T0 + 86_400_000_000)
    state.forget()
    assert set(state.workouts) == {"w"}
