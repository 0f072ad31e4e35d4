"""A club on a real platform: what its organiser and its athletes read, whatever came first."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

import pytest

from domain.days import local_day, period_key
from schemas import hot
from stridelog.lag import LagReader, caught_up
from stridelog.producer import Producer
from tests.platform import ROLES, Platform

pytestmark = pytest.mark.stack

DEADLINE_S: Final = 300.0
_S_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _S_US
BORN: Final = {"ada": local_day(time.time_ns() // 1000, "UTC").year - 49, "bob": 2005}
NAMES: Final = {"ada": "Ada [Smit]", "bob": "Bob", "cid": "Cid"}
HEAD: Final = {"zone": "UTC", "source": "test", "producer": "test"}
NOW_US: Final = time.time_ns() // 1000 // _S_US * _S_US - 3_600 * _S_US
BEFORE_US: Final = NOW_US - 20 * _DAY_US
CLUB, RIVALS = (f"{number}0000000-0000-4000-8000-00000000000a" for number in (1, 2))
SOLO, TEAMS, LATE = (f"{number}0000000-0000-4000-8000-00000000000b" for number in (1, 2, 3))
GOAL: Final = "10000000-0000-4000-8000-00000000000c"
DAYS: Final[dict[str, Any]] = {"first_day": local_day(BEFORE_US, "UTC"), "last_day": local_day(NOW_US + _DAY_US, "UTC")}


def workout_id(user: str, number: int) -> str:
    return f"{tuple(NAMES).index(user)}{number}000000-0000-4000-8000-000000000000"


def said(kind: Any, user: str, data: Any, *, time_us: int = BEFORE_US) -> Any:
    return kind.of(user=user, time=time_us, data=data, **HEAD)


def completed(user: str, number: int) -> Any:
    """Ten kilometres by hand; each two hours before the last one."""
    end_us = NOW_US - number * 2 * 3_600 * _S_US - tuple(NAMES).index(user) * 60 * _S_US
    data = hot.WorkoutCompletedData(
        workout_id=workout_id(user, number),
        sport="running",
        start=end_us - 3_000 * _S_US,
        end=end_us,
        stated=hot.Stated(distance_m=10_000.0, timer_time_s=3_000.0),
    )
    return said(hot.WorkoutCompleted, user, data, time_us=end_us)


def defined(id: str, user: str, target_m: float, **rest: Any) -> Any:
    fields = {"kind": "individual", **rest}
    data = hot.ChallengeDefinedData(
        challenge_id=id, title="Far", metric="distance", target=target_m, sports=("running",), **DAYS, **fields
    )
    return said(hot.ChallengeDefined, user, data)


def joined(id: str, user: str, team: str | None = None) -> Any:
    return said(hot.ChallengeJoined, user, hot.ChallengeJoinedData(challenge_id=id, group_id=team))


def in_group(group_id: str, *users: str) -> list[Any]:
    """Founded by the first, joined by the others."""
    created = hot.GroupCreatedData(group_id=group_id, name=f"Club {group_id[0]}", sport="running")
    others = [said(hot.GroupJoined, user, hot.GroupJoinedData(group_id=group_id)) for user in users[1:]]
    return [*others, said(hot.GroupCreated, users[0], created, time_us=BEFORE_US - _DAY_US)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    name = f"clubs{uuid4().hex[:8]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        for user, shown in NAMES.items():
            data = hot.UserRegisteredData(name=shown, sex="female", country="NO", birth_year=BORN.get(user))
            send(platform, said(hot.UserRegistered, user, data))
        send(
            platform,
            *in_group(CLUB, "ada", "bob"),
            *in_group(RIVALS, "cid"),
            said(
                hot.GroupRoleChanged,
                "bob",
                hot.GroupRoleChangedData(group_id=CLUB, role="admin", actor="ada"),
                time_us=NOW_US,
            ),
            said(
                hot.GroupMemberRemoved,
                "ada",
                hot.GroupMemberRemovedData(group_id=CLUB, actor="bob"),
                time_us=NOW_US + 1,
            ),
            said(hot.Followed, "cid", hot.FollowedData(follower="bob")),
            defined(SOLO, "ada", 15_000.0),
            defined(TEAMS, "ada", 25_000.0, kind="team", group_ids=(CLUB, RIVALS)),
            defined(LATE, "cid", 1_000.0, group_ids=(CLUB,)),  # who has no say in the club
            *(joined(SOLO, user) for user in NAMES),
            joined(LATE, "bob"),
            joined(TEAMS, "ada", CLUB),
            joined(TEAMS, "bob", CLUB),
            joined(TEAMS, "cid", RIVALS),
            said(
                hot.GoalSet,
                "ada",
                hot.GoalSetData(goal_id=GOAL, metric="workouts", target=2.0, every="year"),
                time_us=NOW_US,
            ),
            *(completed("ada", number) for number in range(2)),
            completed("bob", 0),
            completed("cid", 0),
        )
        platform.start(*ROLES)
        asyncio.run(written(platform))
        yield platform


def send(platform: Platform, *messages: Any) -> None:
    async def send_all() -> None:
        kinds = {message.type for message in messages}
        async with await Producer(platform.settings, platform.topics).open(kinds) as producer:
            for message in messages:
                await producer.send(message)

    asyncio.run(send_all())


def read(platform: Platform, *arguments: str) -> Any:
    return json.loads(platform.command(*arguments, "--json").stdout)


async def written(platform: Platform) -> None:
    """All agents have written all of it."""
    async with LagReader(platform.settings, known=platform.topics) as reader:
        await caught_up(reader, timeout_s=DEADLINE_S)


def test_groups_are_listed_with_their_size_and_the_role_of_an_athlete(platform: Platform) -> None:
    assert [(one["group_id"], one["size"]) for one in read(platform, "groups", "list")] == [(CLUB, 2), (RIVALS, 1)]
    (mine,) = read(platform, "groups", "list", "--user", "bob")
    assert (mine["group_id"], mine["role"]) == (CLUB, "admin")
    assert read(platform, "groups", "list", "--sport", "cycling") == []


def test_a_group_shows_its_members_and_what_was_not_allowed(platform: Platform) -> None:
    one = read(platform, "groups", "show", CLUB)
    assert one["refused"] == {"not_allowed": 1}
    found = {(member["user"], member["name"], member["role"]) for member in one["members"]}
    assert found == {("ada", "Ada [Smit]", "owner"), ("bob", "Bob", "admin")}
    assert read(platform, "groups", "members", CLUB)["members"] == one["members"]
    assert "Ada [Smit]" in platform.command("groups", "members", CLUB).stdout
    assert "1 not allowed" in platform.command("groups", "show", CLUB).stdout


def test_a_board_of_a_group_or_of_friends_ranks_them_alone(platform: Platform) -> None:
    def ranked(*scope: str) -> list[tuple[int, str]]:
        rows = read(platform, "board", "distance", "--sport", "running", "--period", "all", *scope)["rows"]
        return [(row["rank"], row["user"]) for row in rows]

    assert ranked() == [(1, "ada"), (2, "cid"), (3, "bob")]
    assert ranked("--group", CLUB) == [(1, "ada"), (2, "bob")]
    assert ranked("--friends-of", "bob") == [(1, "cid"), (2, "bob")]
    assert ranked("--only", "bob") == [(1, "bob")]
    assert ranked("--sex", "male") == []
    assert ranked("--age", "40-49", "--country", "no") == [(1, "ada")]


def test_a_challenge_ranks_athletes_and_those_who_tie_by_who_got_there_first(platform: Platform) -> None:
    one = read(platform, "challenges", "show", SOLO)
    assert [(row["rank"], row["user"], row["score"]) for row in one["ranks"]] == [
        (1, "ada", 20_000.0),
        (2, "cid", 10_000.0),
        (3, "bob", 10_000.0),
    ]
    assert [row["reached_at"] is not None for row in one["ranks"]] == [True, False, False]
    assert one["athletes"] == 3
    first = read(platform, "challenges", "show", SOLO, "--top", "1", "--user", "bob")["ranks"]
    assert [row["user"] for row in first] == ["ada", "bob"]
    assert "15.00 km" in platform.command("challenges", "show", SOLO).stdout


def test_teams_are_ranked_by_what_their_members_have_together(platform: Platform) -> None:
    teams = read(platform, "challenges", "show", TEAMS)["teams"]
    assert [(row["rank"], row["name"], row["score"], row["members"], row["reached"]) for row in teams] == [
        (1, "Club 1", 30_000.0, 2, 1),
        (2, "Club 2", 10_000.0, 1, 0),
    ]


def test_a_goal_shows_the_period_and_what_was_reached(platform: Platform) -> None:
    (goal,) = read(platform, "goals", "ada")["goals"]
    year = goal["periods"][period_key(local_day(NOW_US, "UTC"), "year")]
    assert (year["score"], year["workout_id"]) == (2.0, workout_id("ada", 0))
    assert "workouts of 2" in platform.command("goals", "ada").stdout


def test_what_was_reached_is_an_achievement(platform: Platform) -> None:
    earned = {award["achievement"]: award for award in read(platform, "achievements", "ada")["achievements"]}
    assert earned["challenges-completed"]["evidence"] == [f"challenge/{SOLO}"]
    assert earned["goals-reached"]["evidence"][0].startswith(f"goal/{GOAL}:")
    assert "challenges-completed" not in {
        a["achievement"] for a in read(platform, "achievements", "bob")["achievements"]
    }


def test_a_challenge_of_a_group_is_not_there_until_somebody_defines_it_who_may(platform: Platform) -> None:
    refused = platform.command("challenges", "show", LATE, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert LATE not in {one["challenge_id"] for one in read(platform, "challenges", "list")}
    send(platform, defined(LATE, "ada", 1_000.0, group_ids=(CLUB,)))
    asyncio.run(written(platform))
    one = read(platform, "challenges", "show", LATE)
    assert [(row["user"], row["score"]) for row in one["ranks"]] == [("bob", 10_000.0)]  # joined and run before
    assert [row["challenge_id"] for row in read(platform, "challenges", "list", "--group", RIVALS)] == [TEAMS]
    assert read(platform, "challenges", "list", "--on", "2001-01-01") == []


def test_when_the_evidence_goes_target_and_achievement_go(platform: Platform) -> None:
    gone = hot.WorkoutDeletedData(workout_id=workout_id("ada", 0))
    send(platform, said(hot.WorkoutDeleted, "ada", gone, time_us=NOW_US + _S_US))
    asyncio.run(written(platform))
    (mine, *_) = read(platform, "challenges", "show", SOLO, "--user", "ada")["ranks"]
    assert (mine["user"], mine["score"], mine["reached_at"]) == ("ada", 10_000.0, None)  # whose other run was first
    left = {award["achievement"] for award in read(platform, "achievements", "ada")["achievements"]}
    assert not left & {"challenges-completed", "goals-reached"}


def test_stores_hold_what_the_log_says(platform: Platform) -> None:
    found = platform.verify()
    assert found["ok"], found


@pytest.mark.long
def test_stores_that_are_built_anew_hold_what_the_log_says(platform: Platform) -> None:
    for name in ("groups.mongo", "challenges.mongo", "challenges.clickhouse"):
        platform.command("sink", "rebuild", name)
    found = platform.verify()
    assert found["ok"], found


@pytest.mark.parametrize(
    "arguments",
    [
        *(("groups", "show", "x"), ("challenges", "show", "x"), ("goals", "zoe"), ("groups", "list", "--user", "zoe")),
        *(("board", "--group", "x"), ("board", "--friends-of", "zoe"), ("board", "--age", "old")),
    ],
)
def test_what_nobody_knows_is_a_mistake_of_one_line(platform: Platform, arguments: tuple[str, ...]) -> None:
    done = platform.command(*arguments, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"'{arguments[-1]}'" in done.stderr
