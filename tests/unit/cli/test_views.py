"""What is drawn says what was measured."""

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from domain.achievement_rules import rules_from
from domain.boards import BoardKey
from domain.live_view import LiveView
from schemas import hot
from stridelog.answers import BoardPage, BoardRow, FeedPage, FreshRisk, RankPage, RankRow, RiskRow
from stridelog.dead_letter_log import Letter
from stridelog.integrity_desk import FlaggedWorkout
from stridelog.live_board import LivePage, LiveRow
from stridelog.views import (
    achievements,
    balance,
    integrity,
    letters,
    live,
    live_board,
    rank_changes,
    reading,
    thresholds,
    units,
    wellness,
)

BOARD = BoardKey("distance", "running", "week", "2026-W48")
END_US = 1_795_000_000_000_000
ITEM: dict[str, Any] = {
    "workout_id": "8364a6fa-2d96-56ac-88b5-2d302b3aad0e",
    "athlete": "ada",
    "name": "Ada [Smit]",
    "sport": "running",
    "title": None,
    "end_us": END_US,
    "distance_m": 12_345.6,
    "moving_time_s": 3_723.0,
    "load": 81.4,
    "kudos": ["bob", "eve"],
    "comments": [{"id": "1", "actor": "bob", "time": END_US, "text": "well done"}],
}


def text_of(drawn: RenderableType, width: int = 100, height: int = 44) -> str:
    console = Console(width=width, height=height, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as captured:
        console.print(drawn)
    return captured.get()


def test_a_workout_says_whose_zones_it_is_in_and_where_they_end() -> None:
    document: dict[str, Any] = {
        "title": "Ride",
        "sport": "cycling",
        "name": "Ada",
        "start": END_US,
        "zone": "UTC",
        "status": "counted",
        "summary": {
            "zone_basis": "power",
            "zone_bounds": [150.0, 225.0],
            "zones_set_by": "an event",
            "time_in_zones_s": [60.0, 600.0, 30.0],
        },
    }
    text = text_of(reading.workout(document))
    assert "time in zones, by power, the athlete's own" in text
    assert "below 150 W" in text
    assert text.count("Z") == 3
    document["summary"] |= {"zone_basis": "pace", "zone_bounds": [4.0, 5.0], "zones_set_by": None}
    text = text_of(reading.workout(document))
    assert "below 4:10 /km" in text
    assert "own" not in text


def threshold(origin: str, day: str, value: float | None, **fields: Any) -> dict[str, Any]:
    return {
        "origin": origin,
        "local_day": day,
        "changed_at": END_US,
        "until": None,
        "value": value,
        "method": "share_of_20_min_power" if value else None,
        "evidence": [{"id": "8364a6fa-2d96-56ac-88b5-2d302b3aad0e", "name": "20 min"}] if value else [],
        **fields,
    }


def test_what_is_stated_stands_beside_what_is_estimated_with_its_evidence() -> None:
    stated = threshold("stated", "2026-01-01", 250.0, method="stated", evidence=[{"id": "e", "name": "stated"}])
    estimated = threshold("estimated", "2026-11-18", 261.3, until=END_US + 90 * 86_400_000_000)
    gone = threshold("estimated", "2026-10-01", None)
    entries: list[dict[str, Any]] = [
        {"kind": "ftp_w", "stated": stated, "estimated": estimated, "history": [estimated, gone, stated]},
        {"kind": "threshold_speed_m_s", "stated": stated | {"value": 4.0}, "estimated": None, "history": []},
    ]
    text = text_of(thresholds.thresholds("Ada [Smit]", entries), width=140)
    assert "Thresholds of Ada [Smit]" in text
    assert all(part in text for part in ("250 W", "261 W", "20 min (8364a6fa)", "2027-02-16", "4:10 /km"))
    assert "evidence aged out" in text
    assert "nothing is known yet" in text_of(thresholds.thresholds("Ada", []))


def test_rest_says_what_is_usual_and_why_there_is_no_variability() -> None:
    row = {
        "local_day": "2026-11-18",
        "worn_minutes": 712,
        "resting_heart_rate_bpm": 48.3,
        "resting_from_minute": 214.0,
        "baseline_bpm": 47.0,
        "ln_rmssd": 4.2,
        "ln_rmssd_7d": 4.1,
        "ln_rmssd_cv_7d": 3.2,
        "rmssd_ms": 66.7,
        "hrv_fault": "",
    }
    unknown = dict.fromkeys(row, None) | {"local_day": "2026-11-19", "worn_minutes": 5, "hrv_fault": "made_of_bpm"}
    text = text_of(wellness.wellness("Ada [Smit]", [row, unknown]), width=80)
    assert "Rest of Ada [Smit]" in text
    assert "2026-11-18 11:52 48 3:34 47 4.20 4.10 3 67" in " ".join(text.split())
    assert "made of bpm" in text
    assert "no device" in text_of(wellness.wellness("Ada", []))


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3_723, "1:02:03"), (360_000, "100:00:00")])
def test_durations(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("sport", "speed", "text"),
    [("running", 1000 / 312, "5:12 /km"), ("swimming", 100 / 105, "1:45 /100m"), ("cycling", 10.0, "36.0 km/h")],
)
def test_speeds_are_said_as_the_sport_says_them(sport: str, speed: float, text: str) -> None:
    assert units.pace(sport, speed) == text


def test_nobody_moves_at_no_pace() -> None:
    assert units.pace("running", 0) == ""
    assert units.pace("running", None) == ""


def test_a_board_shows_the_place_of_the_one_who_asked_with_neighbours() -> None:
    row = BoardRow(1_234, "ada", "Ada", 12_345.6, END_US, 3)
    text = text_of(reading.board(BoardPage(BOARD, 5_000, (), 1_234, (row,)), "ada"))
    assert "1,234" in text
    assert "rank 1,234 of 5,000" in text
    assert "ada is not on this board" in text_of(reading.board(BoardPage(BOARD, 5_000, (row,)), "ada"))


def test_a_board_shows_ranks_names_and_scores_in_units() -> None:
    rows = (BoardRow(1, "ada", "Ada [Smit]", 12_345.6, END_US, 3), BoardRow(1, "bob", "Bob", 12_345.6, END_US, 1))
    text = text_of(reading.board(BoardPage(BOARD, 2, rows)))
    assert "distance, running, week 2026-W48" in text
    assert text.count("12.35 km") == 2
    assert "Ada [Smit]" in text


def test_a_rank_shows_the_neighbours() -> None:
    rows = (RankRow(4, "eve", "Eve", 90.0, END_US), RankRow(5, "ada", "Ada", 80.0, END_US))
    text = text_of(reading.rank("ada", RankPage(BOARD, 17, 5, rows)))
    assert "rank 5 of 17" in text
    assert "Eve" in text


def test_a_feed_fits_80_columns_with_whole_workout_ids_and_tells_how_to_go_on() -> None:
    text = text_of(reading.feed("Ada", FeedPage((ITEM,), f"{END_US}:{ITEM['workout_id']}")), width=80)
    assert ITEM["workout_id"] in text
    assert "12.35 km" in text
    assert "2 kudos" in text
    assert "well done" in text
    assert f"--before {END_US}" in text


def test_a_workout_shows_zones_as_bars_and_best_efforts() -> None:
    summary = {
        "distance_m": 10_000.0,
        "moving_time_s": 3_000.0,
        "mean_speed_m_s": 10 / 3,
        "time_in_zones_s": [600.0, 1200.0, 0.0, 0.0, 60.0],
        "zone_basis": "heart_rate_max",
        "best_efforts": [
            {"kind": "distance", "name": "5 km", "duration_s": 1_400.0, "distance_m": 5_000.0, "power_w": None},
            {"kind": "power", "name": "20 min", "duration_s": 1_200.0, "distance_m": None, "power_w": 251.0},
        ],
        "sample_count": 3_000,
        "coverage": 0.99,
        "distance_source": "device",
    }
    document = {
        "name": "Ada",
        "sport": "running",
        "title": "Into the wind",
        "start": END_US,
        "zone": "Europe/Oslo",
        "status": "duplicate",
        "duplicate_of": "other",
        "summary": summary,
        "workout_id": "this",
        "channel_sources": [
            {"channel": "heart_rate", "workout_id": "strap"},
            {"channel": "speed", "workout_id": "this"},
            {"channel": "power", "workout_id": "meter"},
            {"channel": "power", "workout_id": "spare meter"},
            {"channel": "power", "workout_id": "this"},
        ],
    }
    text = text_of(reading.workout(document))
    assert "Into the wind" in text
    assert "5:00 /km" in text
    assert "251 W" in text
    assert "4:40 /km" in text
    bars = {line.split()[0]: line.count("█") for line in text.splitlines() if line.strip().startswith("Z")}
    assert bars["Z2"] == 2 * bars["Z1"] > 0
    assert bars["Z3"] == 0
    assert "duplicate of other" in text
    assert "recorded more than once: heart rate, part of power from another recording" in text


FLAG: dict[str, Any] = {
    "rule": "vehicle",
    "decision": "flagged",
    "reason": "10 min of running at 72.0 km/h.",
    "verdict": None,
}


def test_a_workout_shows_its_flags_the_appeal_and_the_review() -> None:
    document = {
        "flags": [FLAG],
        "shadowed": True,
        "appeal": "It was [not] me.",
        "review": {"verdict": "upheld", "reviewer": "Eva", "why": "The bus line."},
    }
    assert [line.plain for line in integrity.said_of(document)] == [
        "flagged (vehicle): 10 min of running at 72.0 km/h.",
        "boards, rankings and achievements leave it out",
        "appeal: It was [not] me.",
        "upheld by Eva: The bus line.",
    ]
    assert integrity.said_of({"flags": [], "shadowed": False, "appeal": None, "review": None}) == []


def test_flagged_workouts_are_listed_with_reasons_appeals_and_what_was_reviewed() -> None:
    one = FlaggedWorkout(
        user="ada",
        name="Ada [Smit]",
        workout_id=ITEM["workout_id"],
        sport="running",
        start=END_US,
        rules=("vehicle", "two_places"),
        reasons=("10 min at 72.0 km/h.", "30 min [elsewhere]."),
        unreviewed=True,
        ranked=False,
        appeal="It was me.",
    )
    text = text_of(integrity.flagged([one, replace(one, unreviewed=False, ranked=True)]), width=120)
    for said in (
        ITEM["workout_id"],
        "Ada [Smit]",
        "vehicle 10 min",
        "two_places 30 min [elsewhere].",
        "appeal It was me.",
    ):
        assert said in text
    assert text.count("reinstated") == 1


def test_scores_without_a_model_say_why() -> None:
    assert "models train" in text_of(reading.scores("Ada", [], []))
    assert "3.0%" in text_of(reading.scores("Ada", [RiskRow("w", END_US, "injury/1", 0.03)], []))


def letter(value: bytes | None) -> Letter:
    return Letter(
        topic="sensor-frames-dead",
        partition=3,
        offset=17,
        timestamp_ms=END_US // 1000,
        source_topic="sensor-frames",
        source_partition=3,
        source_offset=99,
        source_timestamp_ms=END_US // 1000,
        reason="undecodable",
        detail="no [map]",
        stage="decode",
        agent="sensors",
        version="0.1.0",
        key=b"ada",
        value=value,
        headers=(("trace", b"\x00\x01"),),
    )


def test_a_dead_letter_shows_text_as_text_and_other_bytes_in_hexadecimal() -> None:
    assert '{"bad": 1}' in text_of(letters.letter(letter(b'{"bad": 1}')))
    text = text_of(letters.letter(letter(bytes(range(250, 256)) + b"abc")))
    assert "fa fb fc fd fe ff 61 62 63" in text
    assert "no [map]" in text
    assert "sensor-frames:3:99" in text
    assert "00 01" in text


def test_a_dead_letter_as_json_keeps_its_bytes() -> None:
    said = letters.as_json(letter(b"\xff\xfe"))
    assert said["value"] == {"text": None, "base64": "//4="}
    assert letters.as_json(letter(None))["value"] is None
    assert said["place"] == "sensor-frames-dead:3:17"


LIVE = LiveRow(
    1,
    "Bob",
    LiveView(
        "bob",
        "w",
        END_US,
        "cycling",
        in_privacy_zone=False,
        moving_time_s=3_720,
        distance_m=12_345.0,
        speed_m_s=3.0,
        heart_rate_bpm=151.0,
        heart_rate_zone=3,
    ),
)


def test_the_live_board_shows_figures_zones_and_the_place_of_who_asks() -> None:
    hidden = LiveRow(None, "Eve", LiveView("eve", "w", END_US, "running", in_privacy_zone=True))
    mine = LiveRow(40, "Ada", LiveView("ada", "w", END_US, None, in_privacy_zone=False, moving_time_s=60))
    text = text_of(live_board.board(LivePage("moving_time", "all", (LIVE, hidden), mine)), width=120)
    for part in ("moving time, all sports", "1:02:00", "12.35 km", "10.8 km/h", "♥ 151 Z3", "in a privacy zone", "40"):
        assert part in text, part
    assert text.count("Ada") == 1
    assert "40" not in text_of(live_board.board(LivePage("distance", "cycling", (LIVE,))), width=120)


def screen() -> live.Screen:
    lines = [
        live.AgentLine("sensors", "sensors", 1234.0, 1230.0, 0.012, 0.4, {"clickhouse": 0.02}, 7, 2),
        live.AgentLine("feed", "social", 0.0, 0.0, None, None, {}, 0, 0),
    ]
    movers = [
        live.Mover(RankRow(1, "ada", "Ada", 9_000.0, END_US), 2),
        live.Mover(RankRow(2, "bob", "Bob", 8_000.0, END_US), -1),
        live.Mover(RankRow(3, "eve", "Eve", 7_000.0, END_US), None),
    ]
    return live.Screen(
        title="stridelog",
        now_s=END_US / 1e6 + 300,
        history=[0, 5, 10],
        records_per_s=1234.0,
        fresh_p50_s=0.25,
        fresh_p99_s=1.5,
        fresh_count=12,
        agents=lines,
        board=BOARD,
        movers=movers,
        feed=[ITEM],
        risks=[("Ada", FreshRisk("ada", END_US, 0.031, "injury/1"))],
        sessions=[LIVE],
        models=["injury/1"],
        dead_by_reason={"time_out_of_range": 2},
        memory_bytes={"sensors": 300 * 2**20},
    )


def test_the_live_screen_shows_flow_freshness_moves_feed_scores_dead_letters_and_memory() -> None:
    text = text_of(live.render(screen()), width=120)
    for part in (
        "1,234/s",
        "250 ms",
        "1.5 s",
        "▲2",
        "▼1",
        "new",
        "5 min ago",
        "Ada [Smit]",
        "3.1%",
        "♥ 151 Z3",
        "10.8 km/h",
        "injury/1",
        "time_out_of_range 2",
        "300.0 MiB",
    ):
        assert part in text, part


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (200, 60)])
def test_the_live_screen_fits_the_terminal_and_stands_empty(width: int, height: int) -> None:
    for drawn in (screen(), live.Screen()):
        lines = text_of(live.render(drawn), width=width, height=height).splitlines()
        assert len(lines) <= height
        assert max(len(line) for line in lines) <= width


def test_what_does_not_answer_is_said_on_the_screen() -> None:
    drawn = screen()
    drawn.notes = ["Redis does not answer"]
    assert "Redis does not answer" in text_of(live.render(drawn), width=120)


def test_sparks_are_as_high_as_their_values() -> None:
    assert live.spark([0, 4, 8]) == " ▄█"
    assert live.spark([0, 0]) == "  "
    assert live.spark([]) == ""


@pytest.mark.parametrize(
    ("fields", "value", "unit", "text"),
    [
        ({"kind": "personal_best", "sport": "running", "fastest": "5 km"}, 1_398.0, "s", "23:18"),
        ({"kind": "personal_best", "sport": "cycling", "strongest": "5 min"}, 311.6, "W", "312 W"),
        ({"kind": "personal_best", "most": "distance"}, 42_500.0, "m", "42.50 km"),
        ({"kind": "first", "each_sport": True}, 1.0, "workouts", "1 workout"),
        ({"kind": "first", "metric": "distance", "at_least": "10 km"}, 10_250.0, "m", "10.25 km"),
        ({"kind": "milestone", "metric": "workouts", "levels": [50]}, 50.0, "workouts", "50 workouts"),
        ({"kind": "milestone", "metric": "goals", "levels": [1]}, 1.0, "goals", "1 goal"),
        ({"kind": "milestone", "metric": "moving_time", "levels": ["10 h"]}, 36_000.0, "s", "10:00:00"),
        ({"kind": "challenge", "metric": "elevation", "every": "month", "target": "2000 m"}, 2_000.0, "m", "2,000 m"),
        ({"kind": "challenge", "metric": "load", "every": "week", "target": 300}, 300.0, "load", "300.0 load"),
        ({"kind": "streak", "unit": "week", "levels": [4]}, 4.0, "weeks", "4 weeks"),
    ],
)
def test_an_award_is_said_in_the_unit_of_its_rule(fields: dict[str, Any], value: float, unit: str, text: str) -> None:
    (rule,) = rules_from({"achievements": {"it": {"version": 1, "title": "It [all]", "text": "What it is.", **fields}}})
    assert achievements.unit_of(rule) == unit
    assert achievements.value_of(rule, value) == text
    award = {"level": "gold [1]", "occasion": "", "at": END_US, "zone": "Europe/Oslo", "value": value}
    drawn = text_of(achievements.earned("Ada [Smit]", [(rule, {**award, "evidence": ["w1", "w0"]})]), width=140)
    for wanted in ("Ada [Smit]", "It [all]", "gold [1]", "2026-11-18", text, "w1", "better than w0"):
        assert wanted in drawn


def test_who_has_earned_nothing_is_told_so() -> None:
    assert "nothing yet" in text_of(achievements.earned("Ada", []))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"rank": 3, "score": 42_195.0, "passed": ("bob", "eve")},
            "entered the top 10 of distance (running, 2026-W48) at 3 with 42.20 km, ahead of Bob, Eve",
        ),
        (
            {"previous_rank": 9, "rank": 2, "score": 9.0, "passed": ("bob", "eve", "bob", "eve", "bob")},
            "up from 9 to 2 in the top 10 of distance (running, 2026-W48) with 0.01 km, "
            "ahead of Bob, Eve, Bob and 2 more",
        ),
        (
            {"previous_rank": 1, "rank": 2, "score": 1e4, "passed_by": ("eve",), "sport": "all", "period_key": "2026"},
            "down from 1 to 2 in the top 10 of distance (all sports, 2026) with 10.00 km, passed by Eve",
        ),
        (
            {"previous_rank": 10, "passed_by": ("bob",), "period": "all", "period_key": "all"},
            "left the top 10 of distance (running, all time) from 10, passed by Bob",
        ),
    ],
)
def test_a_rank_change_says_on_which_board_and_whom_it_passed(fields: dict[str, Any], said: str) -> None:
    board = {**BOARD._asdict(), "top": 10, "sequence": 1}
    data = hot.RankChangedData(**{**board, **fields})
    message = hot.RankChanged.of(user="ada", time=END_US, zone="UTC", source="test", producer="test", data=data)
    names = {"ada": "Ada [Smit]", "bob": "Bob", "eve": "Eve"}
    assert rank_changes.said(data, names) == said
    text = " ".join(text_of(rank_changes.changes([message], names), width=200).split())
    assert "Ada [Smit]" in text
    assert said in text
    assert "none" in text_of(rank_changes.changes([], {}))


def test_the_balance_of_w_prime_is_a_curve_with_its_lowest_by_both_models() -> None:
    one = {
        "name": "Ada [Smit]",
        "critical_power_w": 250.0,
        "w_prime_j": 20_000.0,
        "lowest": {"differential": {"balance_j": 5_000, "at_s": 65}, "integral": {"balance_j": -1_000, "at_s": 70}},
        "balance_j": [20_000] * 50 + [5_000] * 10 + [12_000] * 84,
    }
    text = text_of(balance.balance(one))
    assert all(part in text for part in ("Ada [Smit]", "250 W", "20.0 kJ"))
    assert all(low in text for low in ("differential: 5.0 kJ, 25% at 1:05", "integral: -1.0 kJ, -5% at 1:10"))
    curve = "█" * 25 + "▃" * 5 + "▅" * 42
    assert curve in text
