"""The page of metrics leaves out no formula that has a source, and says what is known against those of load."""

import importlib
import inspect
import pkgutil

import pytest

import domain
from domain import load
from stridelog.metrics_reference import metrics_reference


def test_every_formula_with_a_published_source_is_on_the_page() -> None:
    page = metrics_reference()
    for module in pkgutil.iter_modules(domain.__path__, "domain."):
        for name, member in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            if member.__module__ == module.name and "doi" in (member.__doc__ or ""):
                assert f"### {name}\n" in page, f"{module.name}.{name}"


@pytest.mark.parametrize("name", ["acwr_coupled", "acwr_uncoupled", "acwr_ewma", "monotony", "strain", "fitness"])
def test_load_ratios_come_with_their_criticism(name: str) -> None:
    section = metrics_reference().split(f"### {name}\n")[1].split("\n### ")[0]
    assert "Criticism: " in section
    assert f"`{load.__name__}`" in section
