"""``stridelog schemas``: the files that are made from the message models, topics and formulas."""

from pathlib import Path
from typing import Final

import typer
from rich.console import Console

from schemas import artifacts
from stridelog import topics
from stridelog.metrics_reference import metrics_reference
from stridelog.topics_reference import topics_reference

schemas_app = typer.Typer(
    help="Message schemas: generate what is made from the models, check it.", no_args_is_help=True
)
TOPICS_PAGE: Final = Path("docs/reference/topics.md")
METRICS_PAGE: Final = Path("docs/metrics.md")


def _topic_of() -> dict[str, str]:
    return {message: topic.name for topic in topics.load(prefix="") for message in topic.messages}


@schemas_app.command()
def generate() -> None:
    """Write hot structs, JSON Schema, Avro and reference pages, and publish new versions of messages."""
    written = artifacts.write(_topic_of(), artifacts.ROOT)
    written += [page for page, text in _pages().items() if _write(page, text)]
    console = Console()
    for path in written:
        console.print(f"wrote {path}", highlight=False)
    console.print(f"{len(written)} files written" if written else "everything is up to date")


@schemas_app.command()
def check() -> None:
    """Exit with 1 if a generated file is out of date or a message can no longer read what was published."""
    findings = artifacts.check(_topic_of(), artifacts.ROOT)
    stale = list(findings.stale)
    stale += [page for page, text in _pages().items() if _is_stale(page, text)]
    lines = [f"{path}: out of date; run stridelog schemas generate" for path in stale]
    lines += [f"{path}: no version is published; run stridelog schemas generate" for path in findings.unpublished]
    lines += [f"{path}: belongs to no message; remove it" for path in findings.superfluous]
    lines += findings.incompatible
    console = Console(stderr=True, soft_wrap=True)
    for line in lines:
        console.print(line, highlight=False, markup=False)
    if lines:
        raise typer.Exit(1)
    Console().print(f"{len(artifacts.records())} messages: files up to date, compatible with every published version")


def write_topics_page() -> bool:
    """Write docs/reference/topics.md; whether it changed."""
    return _write(TOPICS_PAGE, _pages()[TOPICS_PAGE])


def _pages() -> dict[Path, str]:
    return {TOPICS_PAGE: topics_reference(topics.load(prefix="")), METRICS_PAGE: metrics_reference()}


def _is_stale(page: Path, text: str) -> bool:
    path = artifacts.ROOT / page
    return not path.exists() or path.read_text(encoding="utf-8") != text


def _write(page: Path, text: str) -> bool:
    """Whether it changed."""
    if not _is_stale(page, text):
        return False
    (artifacts.ROOT / page).write_text(text, encoding="utf-8")
    return True
