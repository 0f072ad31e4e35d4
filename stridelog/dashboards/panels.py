"""What dashboards are made of: data sources, queries, panels of one look, variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import barchart, common, dashboard, histogram, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import (
    DataSourceRef,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DynamicConfigValue,
    VariableOption,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

# As deploy/grafana/provisioning/datasources/stridelog.yml names them.
CLICKHOUSE: Final = DataSourceRef(type_val="grafana-clickhouse-datasource", uid="stridelog-clickhouse")
PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="stridelog-prometheus")

COUNT: Final = units.Short
A_SECOND: Final = "suffix: /s"
ALL: Final = VariableOption(text=["All"], value=["$__all"], selected=True)
_FORMATS: Final = {"timeseries": 0, "table": 1}  # as the plug-in numbers them

P = TypeVar("P", timeseries.Panel, stat.Panel, table.Panel, barchart.Panel, histogram.Panel)


@dataclass(slots=True)
class Sql(Dataquery):
    """A query to ClickHouse as the plug-in keeps it; the SDK has no type of its own for it.

    ``kind`` "timeseries" makes a line of each text in the first text column; "table" takes the rows as they are.
    """

    sql: str
    kind: str
    ref_id: str

    def to_json(self) -> dict[str, object]:
        """The query's part of a dashboard."""
        return {
            "datasource": CLICKHOUSE,
            "editorType": "sql",
            "format": _FORMATS[self.kind],
            "pluginVersion": "",
            "queryType": self.kind,
            "rawSql": self.sql,
            "refId": self.ref_id,
        }


class _Built(Builder[Dataquery]):
    """A query that is already built, where the SDK wants a builder."""

    def __init__(self, query: Dataquery) -> None:
        self._query = query

    def build(self) -> Dataquery:
        return self._query


def series_sql(sql: str, ref_id: str = "A") -> Builder[Dataquery]:
    """Rows over time: a time column first, then numbers, or a text and a number."""
    return _Built(Sql(sql.strip(), "timeseries", ref_id))


def table_sql(sql: str, ref_id: str = "A") -> Builder[Dataquery]:
    """Rows as they are."""
    return _Built(Sql(sql.strip(), "table", ref_id))


def promql(expr: str, legend: str = "", ref_id: str = "A") -> Builder[Dataquery]:
    """A query to Prometheus over the dashboard's time."""
    query = prometheus.Dataquery().datasource(PROMETHEUS).expr(expr.strip()).range().ref_id(ref_id)
    return _Built(query.legend_format(legend or "__auto").build())


def promql_now(expr: str, ref_id: str = "A") -> Builder[Dataquery]:
    """A query to Prometheus as of the end of the dashboard's time, as a table."""
    query = prometheus.Dataquery().datasource(PROMETHEUS).expr(expr.strip()).instant().ref_id(ref_id)
    return _Built(query.format(PromQueryFormat.TABLE).build())


def lines(title: str, description: str, unit: str, *queries: Builder[Dataquery], span: int = 12) -> timeseries.Panel:
    """Lines over time."""
    panel = timeseries.Panel().fill_opacity(8).legend(_legend()).tooltip(_tooltip())
    return _titled(panel, title, description, unit, queries, span, 8).axis_soft_min(0)


def stacks(title: str, description: str, unit: str, *queries: Builder[Dataquery], span: int = 12) -> timeseries.Panel:
    """Bars over time, one on the other."""
    panel = timeseries.Panel().draw_style(GraphDrawStyle.BARS).fill_opacity(70).legend(_legend()).tooltip(_tooltip())
    panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    return _titled(panel, title, description, unit, queries, span, 8).axis_soft_min(0)


def figure(title: str, description: str, unit: str, *queries: Builder[Dataquery], span: int = 4) -> stat.Panel:
    """The last value of each query, large."""
    panel = stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
    return _titled(panel, title, description, unit, queries, span, 4)


def listing(
    title: str,
    description: str,
    query: Builder[Dataquery],
    *,
    unit: str = COUNT,
    column_units: Mapping[str, str] | None = None,
    span: int = 24,
) -> table.Panel:
    """A table; ``column_units`` are units of columns that are not in ``unit``."""
    panel = _titled(table.Panel(), title, description, unit, (query,), span, 9)
    for name, column_unit in (column_units or {}).items():
        panel = panel.override_by_name(name, [DynamicConfigValue(id_val="unit", value=column_unit)])
    return panel


def columns(
    title: str, description: str, unit: str, query: Builder[Dataquery], *, x: str, span: int = 12
) -> barchart.Panel:
    """A bar for each row; ``x`` is the column that names it."""
    panel = barchart.Panel().x_field(x).x_tick_label_rotation(-45).legend(_legend()).tooltip(_tooltip())
    return _titled(panel, title, description, unit, (query,), span, 8)


def spread(title: str, description: str, unit: str, query: Builder[Dataquery], *, span: int = 12) -> histogram.Panel:
    """How many rows have which value; Grafana cuts the buckets."""
    return _titled(histogram.Panel().legend(_legend()), title, description, unit, (query,), span, 8)


def choice(name: str, label: str, values: tuple[str, ...], default: str) -> dashboard.CustomVariable:
    """A variable that takes one of a few values."""
    options = [VariableOption(text=value, value=value, selected=value == default) for value in values]
    chosen = VariableOption(text=default, value=default, selected=True)
    return dashboard.CustomVariable(name).label(label).values(",".join(values)).options(options).current(chosen)


def found(name: str, label: str, query: str, source: DataSourceRef = CLICKHOUSE) -> dashboard.QueryVariable:
    """A variable that takes one of a query's values, the first unless somebody chooses."""
    variable = dashboard.QueryVariable(name).label(label).datasource(source).query(query.strip())
    return variable.definition(query.strip()).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)


def found_several(name: str, label: str, query: str, source: DataSourceRef = CLICKHOUSE) -> dashboard.QueryVariable:
    """A variable that takes any of a query's values, all unless somebody chooses."""
    return found(name, label, query, source).multi(True).include_all(True).current(ALL)


def typed(name: str, label: str, default: str) -> dashboard.TextBoxVariable:
    """A variable that somebody types in."""
    value = VariableOption(text=default, value=default, selected=True)
    return dashboard.TextBoxVariable(name).label(label).default_value(default).current(value)


def page(uid: str, title: str, description: str, *, since: str, refresh: str = "") -> dashboard.Dashboard:
    """An empty dashboard. Times are UTC, because local days are kept as days."""
    empty = dashboard.Dashboard(title).uid(uid).description(description).tags(["stridelog"]).readonly()
    return empty.timezone("utc").time(since, "now").refresh(refresh).tooltip(DashboardCursorSync.CROSSHAIR)


def finished(made: dashboard.Dashboard) -> Dashboard:
    """The dashboard with a number for each panel."""
    result = made.build()
    for number, panel in enumerate(result.panels or (), start=1):
        panel.id_val = number
    return result


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)
    return legend.placement(LegendPlacement.BOTTOM).calcs([])


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)


def _titled(
    panel: P, title: str, description: str, unit: str, queries: tuple[Builder[Dataquery], ...], span: int, height: int
) -> P:
    described = panel.title(title).description(description).unit(unit).span(span).height(height)
    for query in queries:
        described = described.with_target(query)
    source = getattr(queries[0].build(), "datasource", CLICKHOUSE)
    return described.datasource(source)
