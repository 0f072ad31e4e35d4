"""docs/reference/topics.md: every topic with its facts and who writes and reads it."""

from typing import Final

from stridelog.topics import FOREVER, Topic, Topics

HEADER: Final = """# Topics

Generated from `topics.yaml` by `stridelog topics docs`. Messages: [messages.md](messages.md).
Topics are keyed by user where nothing else is said; every partition of a topic for everyone has a copy of each record.
Topics that one agent reads or writes together have the same number of partitions.
"""
_DAY_MS: Final = 86_400_000


def topics_reference(topics: Topics) -> str:
    """The text. ``topics`` is loaded without a prefix."""
    lines = [HEADER, "| topic | messages | written by | read by | |", "|---|---|---|---|---|"]
    for topic in topics:
        messages = ", ".join(f"[{name}](messages.md#{name.lower()})" for name in topic.messages) or "as they came"
        parties = f"{_list(topic.producers)} | {_list(topic.consumers)}"
        lines.append(f"| [{topic.name}](#{topic.name}) | {messages} | {parties} | {topic.doc} |")
    lines.append("")
    for topic in topics:
        lines += [f"## {topic.name}", "", topic.doc, "", "| | |", "|---|---|"]
        lines += [f"| {name} | {value} |" for name, value in _facts(topic)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _facts(topic: Topic) -> list[tuple[str, str]]:
    return [
        ("owner", topic.owner),
        ("key, encoding", f"{topic.key}, {topic.encoding}"),
        ("partitions × replicas", f"{topic.partitions} × {topic.replication}"),
        ("kept", "forever" if topic.retention == FOREVER else f"{topic.retention / _DAY_MS:g} days"),
        ("cleanup, compression", f"{topic.cleanup}, {topic.compression}"),
        (
            "accepted record",
            f"up to {topic.max_bytes / 1024:g} KiB; the broker takes {topic.broker_max_bytes / 1024:g} KiB",
        ),
        (
            "dead letters",
            f"[{topic.dead_letter}](#{topic.dead_letter})" if topic.dead_letter else "none: no agent reads it",
        ),
    ]


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "operators, other modules"
