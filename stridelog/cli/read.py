"""``stridelog board``, ``rank``, ``rank-changes``, ``feed``, ``workout``, ``load``, ``wellness``…: what stores know."""

import dataclasses
import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import Console

from domain.boards import BOARD_SPORTS, BoardKey
from domain.days import PERIODS, Period, period_key
from schemas import hot
from stridelog import boards_file, scopes
from stridelog.achievements_file import rules_of
from stridelog.answers import BoardPage, FeedPage, RankPage, RiskRow, SuggestionRow
from stridelog.balance_log import balance_log
from stridelog.cli.asking import asked, print_json
from stridelog.errors import UserError
from stridelog.moments import local_day, moment_ms
from stridelog.queries import Queries
from stridelog.rank_log import rank_log
from stridelog.settings import settings
from stridelog.threshold_log import threshold_log
from stridelog.training_log import training_log
from stridelog.views import achievements as achievements_view
from stridelog.views import balance as balance_view
from stridelog.views import rank_changes as rank_changes_view
from stridelog.views import reading, training
from stridelog.views import thresholds as thresholds_view
from stridelog.views import wellness as wellness_view
from stridelog.wellness_log import wellness_log

T = TypeVar("T")
Metric = Annotated[str, typer.Argument(help="A board of boards.yaml: distance, fastest_5_km, …")]
Sport = Annotated[str, typer.Option(help=", ".join(BOARD_SPORTS))]
PeriodName = Annotated[str, typer.Option("--period", help=", ".join(PERIODS))]
Key = Annotated[str, typer.Option("--key", help="Which one, like 2026-W48; default: the current one (UTC).")]
Only = Annotated[list[str] | None, typer.Option(help="Rank only these athletes; repeatable.")]
Group = Annotated[str, typer.Option(metavar="ID", help="Rank only the members of this group.")]
FriendsOf = Annotated[str, typer.Option(metavar="USER", help="Rank only this athlete and whom they follow.")]
Sex = Annotated[str, typer.Option(help=f"Rank only them: {', '.join(scopes.SEXES)}.")]
Age = Annotated[str, typer.Option(help="Rank only this age group, like 40-49; age at the end of the year.")]
Country = Annotated[str, typer.Option(help="Rank only who lives there, like NO.")]
User = Annotated[str, typer.Argument(help="The athlete's user id.")]
As = Annotated[str, typer.Option("--as", metavar="VIEWER", help="Show what this user may see of it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_KEYS = {
    "day": (r"\d{4}-\d\d-\d\d", "2026-11-24"),
    "week": (r"\d{4}-W\d\d", "2026-W48"),
    "month": (r"\d{4}-\d\d", "2026-11"),
    "year": (r"\d{4}", "2026"),
    "all": ("all", "all"),
}


def board(
    metric: Metric = "distance",
    sport: Sport = "all",
    period: PeriodName = "week",
    key: Key = "",
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many places.")] = 10,
    user: Annotated[str, typer.Option(help="An athlete whose place is shown too.")] = "",
    neighbours: Annotated[int, typer.Option(min=0, max=100, help="Of the athlete: places above and below.")] = 2,
    only: Only = None,
    group: Group = "",
    friends_of: FriendsOf = "",
    sex: Sex = "",
    age: Age = "",
    country: Country = "",
    as_json: AsJson = False,
) -> None:
    """A leaderboard, from ClickHouse, and an athlete's place on it."""
    wanted = board_key(metric, sport, period, key)

    async def ask(queries: Queries) -> tuple[BoardPage, list[str]]:
        narrowed = {"group": group, "friends_of": friends_of, "sex": sex, "age": age, "country": country}
        among = await scopes.among(queries, wanted.period, wanted.period_key, only=only or (), **narrowed)
        page = await queries.board(wanted, top=top, user=user, neighbours=neighbours, among=among)
        return page, [] if page.rows else await queries.periods_with_scores(wanted)

    page, others = asked(ask)
    if as_json:
        rows, around = ([dataclasses.asdict(row) for row in part] for part in (page.rows, page.around))
        mine = {"user": user, "rank": page.rank, "around": around} if user else {}
        print_json({**wanted._asdict(), "users": page.users, "rows": rows, **mine})
    elif page.rows:
        Console().print(reading.board(page, user))
    else:
        hint = f"there are {', '.join(others)} (--key)" if others else "nobody has such a workout yet"
        Console().print(f"Nobody is on the board {reading.title_of(wanted)}: {hint}", highlight=False)


def rank(
    user: User,
    metric: Metric = "distance",
    sport: Sport = "all",
    period: PeriodName = "week",
    key: Key = "",
    neighbours: Annotated[int, typer.Option(min=0, max=100, help="How many places above and below.")] = 2,
    as_json: AsJson = False,
) -> None:
    """An athlete's rank and neighbours, from Redis."""
    wanted = board_key(metric, sport, period, key)

    async def ask(queries: Queries) -> RankPage:
        page = await queries.rank(user, wanted, neighbours=neighbours)
        if page is not None:
            return page
        name = await queries.known(user)
        if not await queries.ranked(wanted):
            raise UserError(
                f"no ranking {reading.title_of(wanted)} in Redis: rankings go 14 days after their period; "
                "older boards are in ClickHouse (stridelog board)"
            )
        raise UserError(f"{name} is not on the board {reading.title_of(wanted)}: no workout of theirs counts for it")

    page = asked(ask)
    if as_json:
        rows = [dataclasses.asdict(row) for row in page.rows]
        print_json({**wanted._asdict(), "user": user, "rank": page.rank, "users": page.users, "rows": rows})
    else:
        Console().print(reading.rank(user, page))


def rank_changes(
    user: Annotated[str, typer.Argument(help="An athlete's user id; default: everyone.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Who entered or left the head of a board, or moved in it, and whom they passed, from the log."""

    async def ask(queries: Queries) -> tuple[list[hot.RankChanged], dict[str, str]]:
        if user:
            await queries.known(user)
        found = await rank_log(settings(), user=user, limit=limit)
        users = {one for said in found for one in (said.user, *said.data.passed, *said.data.passed_by)}
        return found, await queries.names(users)

    found, names = asked(ask)
    if as_json:
        rows = [
            {"time": one.time, "user": one.user, "name": names[one.user], **msgspec.structs.asdict(one.data)}
            for one in found
        ]
        print_json({"changes": rows})
    else:
        Console().print(rank_changes_view.changes(found, names))


def feed(
    user: User,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many items.")] = 20,
    before: Annotated[str, typer.Option(help="Only older ones: a time, or the 'next' of the page before.")] = "",
    viewer: As = "",
    as_json: AsJson = False,
) -> None:
    """An athlete's feed: their own workouts and those of whom they follow, newest first, from MongoDB.

    With --as VIEWER: the athlete's own workouts only, as that user may see them.
    """

    async def ask(queries: Queries) -> tuple[str, FeedPage]:
        name = await queries.known(user)
        if not viewer:
            return name, await queries.feed(user, limit=limit, before=before or None)
        await queries.known(viewer)
        return name, await queries.timeline(user, viewer=viewer, limit=limit, before=before or None)

    name, page = asked(ask)
    if as_json:
        print_json({"user": user, "items": page.items, "next": page.next})
    else:
        Console().print(reading.feed(name, page))


def workout(
    workout_id: Annotated[str, typer.Argument(metavar="ID", help="The workout's id (UUID); a feed shows it.")],
    viewer: As = "",
    as_json: AsJson = False,
) -> None:
    """A workout, from MongoDB: figures, time in zones, best efforts."""

    async def ask(queries: Queries) -> dict[str, Any]:
        if viewer:
            await queries.known(viewer)
        wanted = workout_id.lower()
        document = await (queries.workout_for(viewer, wanted) if viewer else queries.workout(wanted))
        if document is None and viewer:
            raise UserError(
                f"no workout {workout_id!r} that {viewer} may see: without --as you see whether there is one"
            )
        if document is None:
            raise UserError(
                f"no workout {workout_id!r}: it was never completed, was deleted, or is not here yet "
                "(stridelog agents lag); ids are in the feed (stridelog feed USER)"
            )
        return document

    document = asked(ask)
    if as_json:
        print_json(document)
    else:
        Console().print(reading.workout(document))


def balance(
    workout_id: Annotated[str, typer.Argument(metavar="ID", help="The workout's id (UUID); a feed shows it.")],
    as_json: AsJson = False,
) -> None:
    """How much of W' was left through a workout, from ClickHouse: power and critical power."""
    found = asked(lambda queries: balance_log(queries, workout_id.lower()))
    if as_json:
        print_json(found)
    else:
        Console().print(balance_view.balance(found))


def load(
    user: User,
    days: Annotated[int, typer.Option(min=1, max=10_000, help="How many days back.")] = 42,
    until: Annotated[str, typer.Option(help="The last day, like 2026-11-24; default: today (UTC).")] = "",
    as_json: AsJson = False,
) -> None:
    """An athlete's training by local day, from ClickHouse: load, fitness, fatigue, form, ratios, spikes."""
    last = local_day(until, option="--until") if until else datetime.now(UTC).date()

    async def ask(queries: Queries) -> tuple[str, list[dict[str, Any]]]:
        return await queries.known(user), await training_log(queries, user, until=last, days=days)

    name, rows = asked(ask)
    if as_json:
        print_json({"user": user, "days": rows})
    else:
        Console().print(training.days(name, rows))


def thresholds(
    user: User,
    at: Annotated[str, typer.Option(help="As of when, like 2026-11-24T12:00Z or 2h (ago); default: now.")] = "",
    as_json: AsJson = False,
) -> None:
    """An athlete's thresholds, from ClickHouse: stated and estimated, since when, and with what evidence."""
    now = datetime.now(UTC)
    moment = datetime.fromtimestamp(moment_ms(at, now) / 1000, UTC) if at else now

    async def ask(queries: Queries) -> tuple[str, list[dict[str, Any]]]:
        return await queries.known(user), await threshold_log(queries, user, at=moment)

    name, entries = asked(ask)
    if as_json:
        print_json({"user": user, "thresholds": entries})
    else:
        Console().print(thresholds_view.thresholds(name, entries))


def wellness(
    user: User,
    days: Annotated[int, typer.Option(min=1, max=10_000, help="How many days back.")] = 28,
    until: Annotated[str, typer.Option(help="The last day, like 2026-11-24; default: today (UTC).")] = "",
    as_json: AsJson = False,
) -> None:
    """An athlete's resting heart rate and heart-rate variability by local day, from ClickHouse."""
    last = local_day(until, option="--until") if until else datetime.now(UTC).date()

    async def ask(queries: Queries) -> tuple[str, list[dict[str, Any]]]:
        return await queries.known(user), await wellness_log(queries, user, until=last, days=days)

    name, rows = asked(ask)
    if as_json:
        print_json({"user": user, "days": rows})
    else:
        Console().print(wellness_view.wellness(name, rows))


def achievements(user: User, as_json: AsJson = False) -> None:
    """What an athlete has earned by the rules of achievements.yaml, newest first, from MongoDB."""
    rules = {(rule.id, rule.version): rule for rule in rules_of(settings())}

    async def ask(queries: Queries) -> tuple[str, list[dict[str, Any]]]:
        return await queries.known(user), await queries.achievements(user)

    name, found = asked(ask)
    awards = [(rules[by], award) for award in found if (by := (award["achievement"], award["rule_version"])) in rules]
    if as_json:
        rows = [
            {**award, "title": rule.title, "text": rule.text, "unit": achievements_view.unit_of(rule)}
            for rule, award in awards
        ]
        print_json({"user": user, "achievements": rows})
    else:
        Console().print(achievements_view.earned(name, awards))


def scores(
    user: User,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many workouts back.")] = 10,
    as_json: AsJson = False,
) -> None:
    """An athlete's injury risk after each workout and what to train next, from ClickHouse."""

    async def ask(queries: Queries) -> tuple[str, list[RiskRow], list[SuggestionRow]]:
        return (
            await queries.known(user),
            await queries.injury_risks(user, limit=limit),
            await queries.suggestions(user),
        )

    name, risks, suggestions = asked(ask)
    if as_json:
        injury = [dataclasses.asdict(row) for row in risks]
        print_json(
            {"user": user, "injury": injury, "recommendations": [dataclasses.asdict(row) for row in suggestions]}
        )
    else:
        Console().print(reading.scores(name, risks, suggestions))


def board_key(metric: str, sport: str, period: str, key: str = "") -> BoardKey:
    """A board by what a user typed; no key means the current period. Raises ``UserError``."""
    rules = boards_file.load().by_name
    rule = rules[one_of("metric", metric, tuple(rules))]
    if sport not in rule.sports:
        raise UserError(f"no board {metric} for sport {sport!r}: there are {', '.join(rule.sports)}")
    board_period, board_period_key = period_of(period, key)
    if board_period not in rule.periods:
        raise UserError(f"no board {metric} for a {period}: there are {', '.join(rule.periods)}")
    return BoardKey(metric, sport, board_period, board_period_key)


def period_of(period: str, key: str = "") -> tuple[Period, str]:
    """A period and its name by what a user typed; no key means the current one. Raises ``UserError``."""
    known = one_of("period", period, PERIODS)
    if not key:
        return known, period_key(datetime.now(UTC).date(), known)
    pattern, example = _KEYS[known]
    if not re.fullmatch(pattern, key):
        raise UserError(f"--key {key!r} is no {known}: write it like {example}")
    return known, key


def one_of(what: str, text: str, known: tuple[T, ...]) -> T:
    """The one of ``known`` that ``text`` names. Raises ``UserError``."""
    for each in known:
        if each == text:
            return each
    raise UserError(f"no {what} {text!r}: there are {', '.join(map(str, known))}")
