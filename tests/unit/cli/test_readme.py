"""Whoever follows the README comes to something: commands, pages and places in them exist."""

import re
from pathlib import Path

import pytest

from stridelog.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()
LINKS = sorted(set(re.findall(r"\]\((?!http)([^)\s]+)\)", README)))


@pytest.mark.parametrize("link", LINKS)
def test_every_link_leads_to_a_page_and_a_heading(link: str) -> None:
    path, _, anchor = link.partition("#")
    page = ROOT / path
    assert page.exists()
    if anchor:
        headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"stridelog ([a-z]+) ", README))))
def test_every_command_exists(name: str) -> None:
    assert name in COMMANDS
