"""docs/operations.md says the truth about metrics and commands."""

import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from stridelog import metrics
from stridelog.cli import COMMANDS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations.md"
ROW = re.compile(r"^\| `(stridelog_\w+)` \| (\w+) \| ([\w, ]+) \| (.+) \|$", re.MULTILINE)


def test_the_metrics_table_is_what_workers_serve() -> None:
    declared = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            name = metric._name + ("_total" if metric._type == "counter" else "")
            declared[name] = (metric._type, ", ".join(metric._labelnames), metric._documentation)
    written = {name: (kind, labels, text) for name, kind, labels, text in ROW.findall(PAGE.read_text())}
    assert written == declared


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`?stridelog ([a-z]+)", PAGE.read_text()))))
def test_every_command_on_the_page_exists(name: str) -> None:
    assert name in COMMANDS
