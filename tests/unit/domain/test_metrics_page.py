"""The page of metrics leaves out no formula that has a source, and says what is known against those of load."""

import importlib
import inspect
import pkgutil

import domain
from stridelog.metrics_reference import metrics_reference


def test_every_formula_with_a_published_source_is_on_the_page() -> None:
    page = metrics_reference()
    for module in pkgutil.iter_modules(domain.__path__, "domain."):
        for name, member in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            if member.__module__ == module.name and "doi" in (member.__doc__ or ""):
                assert f"### {name}\n" in page, f"{module.name}.{name}"


# Parts of formulas, whose criticism stands with these.
PARTS = {
    *("weight", "with_gaps", "stated_history", "is_threshold_test", "pace_s_per_100_m"),
    *("daily_loads", "rolling_sum", "rolling_mean"),
}


def test_every_formula_comes_with_its_criticism() -> None:
    sections = metrics_reference().split("\n### ")[1:]
    without = {one.partition("\n")[0] for one in sections if "Criticism: " not in one}
    assert without == PARTS
