"""Dashboards are what Grafana understands, and name only what there is: metrics, tables, data sources, variables."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import prometheus_client
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.metrics import MetricWrapperBase

from compose.promtool import promtool
from compose.settings import StackSettings
from sinks.tables import TABLES
from sinks.views import VIEWS
from stridelog import metrics
from stridelog.dashboards.build import DASHBOARDS, FOLDER, rendered, write
from stridelog.dashboards.expand import Range, expanded
from stridelog.errors import UserError

DEPLOY: Final = FOLDER.parents[1]
RULES: Final = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())["groups"]
ALERTS: Final = {rule["alert"]: rule for group in RULES for rule in group["rules"] if "alert" in rule}
RECORDED: Final = {rule["record"] for group in RULES for rule in group["rules"] if "record" in rule}
BOARDS: Final = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
CLICKHOUSE: Final = "grafana-clickhouse-datasource"

# Of every Python process, and of a scrape itself.
_PROCESS: Final = {"process_resident_memory_bytes", "process_cpu_seconds_total", "up"}
_WORDS: Final = {"and", "or", "unless", "bool", "le"}
register_default_plugins()


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            yield name, panel


def queries(kind: str) -> dict[str, str]:
    """The queries of all panels and variables to one kind of data source, by where they are."""
    found: dict[str, str] = {}
    for name, panel in panels():
        for target in panel["targets"]:
            if target["datasource"]["type"] == kind:
                found[f"{name}: {panel['title']} {target['refId']}"] = target.get("rawSql") or target["expr"]
    for name, board in BOARDS.items():
        for variable in board["templating"].get("list", []):
            if variable["type"] == "query" and variable["datasource"]["type"] == kind:
                found[f"{name}: ${variable['name']}"] = variable["query"]
    return found


# -- the files


def test_the_files_are_those_that_the_code_writes(tmp_path: Path) -> None:
    assert BOARDS.keys() == DASHBOARDS.keys()
    for name in DASHBOARDS:
        assert (FOLDER / f"{name}.json").read_text() == rendered(name), "run python -m stridelog.dashboards"
    assert len(write(tmp_path)) == len(DASHBOARDS)
    assert write(tmp_path) == []


def read_by_grafana(board: dict[str, Any]) -> Any:
    """What Grafana's own types keep of a dashboard."""
    return json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))


@pytest.mark.parametrize("name", BOARDS)
def test_grafanas_own_types_take_all_of_a_dashboard(name: str) -> None:
    assert read_by_grafana(BOARDS[name]) == BOARDS[name]


def test_grafanas_own_types_do_not_take_what_grafana_does_not_know() -> None:
    for path in (("titel",), ("panels", 0, "fieldconfig"), ("panels", 0, "options", "colour")):
        board = json.loads(json.dumps(BOARDS["platform"]))
        place = board
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = "x"
        assert read_by_grafana(board) != board, path


# -- how they look


def test_no_two_panels_overlap_and_none_is_wider_than_the_page() -> None:
    for name, board in BOARDS.items():
        places = [(panel["title"], panel["gridPos"]) for panel in board["panels"]]
        for title, at in places:
            assert at["x"] + at["w"] <= 24, (name, title)
        for (one, a), (other, b) in combinations(places, 2):
            apart = (
                a["x"] + a["w"] <= b["x"]
                or b["x"] + b["w"] <= a["x"]
                or a["y"] + a["h"] <= b["y"]
                or b["y"] + b["h"] <= a["y"]
            )
            assert apart, (name, one, other)


def test_every_panel_has_a_title_of_its_own_a_unit_and_a_description() -> None:
    for name, board in BOARDS.items():
        titles = [panel["title"] for panel in board["panels"]]
        assert len(set(titles)) == len(titles), name
        assert [panel["id"] for panel in board["panels"]] == list(range(1, len(titles) + 1))
    for name, panel in panels():
        assert panel["fieldConfig"]["defaults"]["unit"], (name, panel["title"])
        assert len(panel["description"]) > 15, (name, panel["title"])
        assert panel["description"].endswith("."), (name, panel["title"])


def test_every_column_with_a_unit_of_its_own_is_in_the_query() -> None:
    for name, panel in panels():
        for override in panel["fieldConfig"]["overrides"]:
            column = override["matcher"]["options"]
            sql = panel["targets"][0]["rawSql"]
            assert re.search(rf"\b{column}\b", sql.rpartition("\nFROM")[0] or sql), (name, panel["title"], column)


def test_every_column_that_names_a_bar_is_in_the_query() -> None:
    for name, panel in panels():
        if panel["type"] == "barchart":
            assert panel["options"]["xField"] in panel["targets"][0]["rawSql"], (name, panel["title"])


def test_every_data_source_is_provisioned() -> None:
    text = (DEPLOY / "grafana" / "provisioning" / "datasources" / "stridelog.yml").read_text()
    provisioned = {source["uid"]: source["type"] for source in yaml.safe_load(text)["datasources"]}
    for name, board in BOARDS.items():
        for source in _sources(board):
            assert provisioned.get(source["uid"]) == source["type"], (name, source)


def _sources(part: Any) -> Iterator[dict[str, str]]:
    if isinstance(part, dict):
        if isinstance(part.get("datasource"), dict):
            yield part["datasource"]
        for value in part.values():
            yield from _sources(value)
    elif isinstance(part, list):
        for value in part:
            yield from _sources(value)


def test_every_panel_is_of_the_data_source_that_its_queries_ask() -> None:
    for name, panel in panels():
        assert {t["datasource"]["uid"] for t in panel["targets"]} == {panel["datasource"]["uid"]}, (
            name,
            panel["title"],
        )


def test_every_variable_has_a_default() -> None:
    for name, board in BOARDS.items():
        for variable in board["templating"].get("list", []):
            if variable["type"] == "query" and not variable["includeAll"]:
                # Grafana takes the first value once it has asked; it must ask then.
                assert variable["refresh"] > 0, (name, variable["name"])
            else:
                assert variable["current"]["value"], (name, variable["name"])
            if variable["type"] == "custom":
                assert variable["current"]["value"] in variable["query"].split(",")


def test_every_variable_is_declared_and_used() -> None:
    for name, board in BOARDS.items():
        used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps([board["panels"], board["templating"]])))
        assert used == {variable["name"] for variable in board["templating"].get("list", [])}, name


# -- Prometheus


def families() -> dict[str, set[str]]:
    """The labels of every metric that workers serve, by the name under which it is asked for."""
    endings = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
    found: dict[str, set[str]] = {name: set() for name in _PROCESS}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            [family] = metric.describe()
            for ending in endings[family.type]:
                found[family.name + ending] = {*metric._labelnames, *({"le"} if ending == "_bucket" else ())}
    return found


def names_in(expr: str) -> set[str]:
    """The metrics that a PromQL expression asks for."""
    bare = re.sub(r'"[^"]*"', "", expr)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    bare = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    if variable := re.fullmatch(r"label_values\(([\w:]+), *\w+\)", bare):
        return {variable[1]}
    words = re.findall(r"[a-zA-Z_:][\w:]*(?!\w)(?!\s*\()", bare)
    return {word for word in words if word not in _WORDS}


def labels_in(expr: str) -> set[str]:
    """The labels that a PromQL expression matches, groups or joins by."""
    bare = re.sub(r'"[^"]*"', '""', expr)
    matched = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"\"", bare)
    grouped = re.findall(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)", bare)
    return {*matched, *(label.strip() for labels in grouped for label in labels.split(",") if label.strip())}


def expressions() -> dict[str, str]:
    ruled = {rule.get("alert") or rule["record"]: rule["expr"] for group in RULES for rule in group["rules"]}
    return {**queries("prometheus"), **ruled}


def test_names_and_labels_are_found_in_an_expression() -> None:
    expr = 'sum by (agent, le) (rate(a_total{topic=~"x y"}[5m])) / on (sink) group_left () (b:c:d > 0) and e'
    assert names_in(expr) == {"a_total", "b:c:d", "e"}
    assert labels_in(expr) == {"agent", "le", "topic", "sink"}


@pytest.mark.parametrize(("where", "expr"), expressions().items())
def test_every_metric_is_one_that_workers_serve_or_rules_record(where: str, expr: str) -> None:
    served = families()
    assert names_in(expr), where
    assert names_in(expr) <= served.keys() | RECORDED
    known = {"job", "instance", *(label for labels in served.values() for label in labels)}
    assert labels_in(expr) <= known


def test_the_metrics_of_processes_are_served_too() -> None:
    served = {sample.name for family in prometheus_client.REGISTRY.collect() for sample in family.samples}
    assert served >= _PROCESS - {"up"}


def test_every_alert_says_what_to_do() -> None:
    runbook = (DEPLOY.parent / "docs" / "dashboards.md").read_text()
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"docs/dashboards.md#{name.lower()}"
        assert f"\n### {name}\n" in runbook
        assert rule["labels"]["severity"] in {"warning", "critical"}


def test_every_alert_has_a_test() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus" / "rules_test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test.get("alert_rule_test", ()) if case["exp_alerts"]}
    assert fired == ALERTS.keys()


def test_prometheus_takes_the_rules_and_they_alert_when_they_should() -> None:
    try:
        program = promtool(StackSettings.from_environment())
    except UserError as error:
        pytest.skip(str(error))
    folder = DEPLOY / "prometheus"
    for command in (("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")):
        done = subprocess.run([program, *command], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# -- ClickHouse


@pytest.mark.parametrize(("where", "sql"), queries(CLICKHOUSE).items())
def test_every_table_and_view_exists(where: str, sql: str) -> None:
    named = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", sql))
    own = set(re.findall(r"\b(\w+) AS \(\s*SELECT", sql))
    assert named - own <= TABLES.keys() | VIEWS.keys(), where
    assert named - own


@pytest.mark.parametrize(("where", "sql"), queries(CLICKHOUSE).items())
def test_tables_are_read_as_their_last_versions(where: str, sql: str) -> None:
    """Without FINAL a row may be there twice: only what counts distinct values may do without."""
    tables = re.findall(rf"\b(?:FROM|JOIN)\s+({'|'.join(TABLES)})\b(?! FINAL)", sql)
    assert not tables or "uniqExact" in sql or "DISTINCT" in sql, where


@pytest.mark.parametrize(("where", "sql"), queries(CLICKHOUSE).items())
def test_what_people_choose_is_quoted(where: str, sql: str) -> None:
    bare = re.sub(r"\$\{\w+:sqlstring\}|\$__\w+|, \$\w+\)", "", sql)
    assert "$" not in bare, where


def test_lines_of_clickhouse_are_of_the_dashboards_time() -> None:
    for name, panel in panels():
        for target in panel["targets"]:
            if target.get("queryType") == "timeseries":
                assert re.search(r"\$__(timeFilter|dateFilter)\(", target["rawSql"]), (name, panel["title"])


# -- the macros of the plug-in

SHOWN: Final = Range(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC), 60)


def test_macros_become_what_the_plugin_makes_of_them() -> None:
    # 2026-11-01T00:00Z is 1793491200 s, a day has 86400.
    during = "minute >= toDateTime(1793491200) AND minute <= toDateTime(1793577600)"
    assert expanded("$__timeFilter(minute)", SHOWN, {}) == during
    days = "toDate(d) >= toDate('2026-11-01') AND toDate(d) <= toDate('2026-11-02')"
    assert expanded("$__dateFilter(toDate(d))", SHOWN, {}) == days
    assert expanded("$__timeInterval(t)", SHOWN, {}) == "toStartOfInterval(toDateTime(t), INTERVAL 60 second)"
    assert expanded("$__toTime - $__fromTime", SHOWN, {}) == "toDateTime(1793577600) - toDateTime(1793491200)"


def test_a_choice_is_quoted_and_all_is_no_condition() -> None:
    sql = "WHERE $__conditionalAll(d IN (${d:sqlstring}), $d)"
    assert expanded(sql, SHOWN, {"d": ["a", "it's"]}) == "WHERE d IN ('a','it''s')"
    assert expanded(sql, SHOWN, {"d": None}) == "WHERE 1=1"


def test_all_without_a_condition_and_unknown_macros_are_refused() -> None:
    with pytest.raises(ValueError, match="conditionalAll"):
        expanded("d IN (${d:sqlstring})", SHOWN, {"d": None})
    with pytest.raises(ValueError, match="__unixEpochFilter"):
        expanded("$__unixEpochFilter(t)", SHOWN, {})
