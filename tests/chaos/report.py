"""The table of docs/reliability.md, from what the runs have recorded, and the record that is kept of them."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.schedule import KINDS


def read(path: Path) -> list[dict[str, Any]]:
    """The results, oldest first."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def brief(result: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a result for good: what the tables count, and why it failed."""
    return {
        **{name: result[name] for name in ("seed", "short", "at", "ok", "why", "account", "duration_s")},
        "faults": [
            {"kind": fault["kind"], "recovery_s": _tenths(fault.get("recovery_s")), "is_alone": fault.get("is_alone")}
            for fault in result["faults"]
        ],
        "exits": [{"code": exit_["code"]} for exit_ in result["exits"]],
    }


def add(record: Path, results: Sequence[Mapping[str, Any]]) -> int:
    """Append what the record does not have yet; how many that were."""
    known = {(run["seed"], run["at"]) for run in read(record)}
    new = [brief(result) for result in results if (result["seed"], result["at"]) not in known]
    with record.open("a") as out:
        out.writelines(json.dumps(run, separators=(",", ":")) + "\n" for run in new)
    return len(new)


def table(results: Sequence[dict[str, Any]]) -> str:
    """Markdown: how many seeds, then per kind of fault how often and how long until recovery."""
    alone: dict[str, list[float]] = defaultdict(list)
    among: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for fault in result["faults"]:
            if fault.get("recovery_s") is not None:
                (alone if fault["is_alone"] else among)[fault["kind"]].append(fault["recovery_s"])
    failed = [str(result["seed"]) for result in results if not result["ok"]]
    exits = Counter(exit_["code"] for result in results for exit_ in result["exits"])
    sums: Counter[str] = Counter()
    for result in results:
        sums.update(result["account"])
    lines = [
        f"{len(results)} runs, {len({r['seed'] for r in results})} seeds, {len(failed)} failed"
        + (f" ({', '.join(failed)})" if failed else "")
        + f"; {sum(len(r['faults']) for r in results)} faults; workers that ended by themselves: {sum(exits.values())}"
        + (f" (exit codes {', '.join(f'{code}: {n}' for code, n in exits.items())})" if exits else ""),
        f"records × agents: {sums['input']:,} read = {sums['written']:,} written + {sums['dropped']:,} dropped + "
        f"{sums['dead']:,} dead",
        "",
        "| fault | alone: n | p50 s | max s | among others: n | p50 s | max s |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in KINDS:
        lines.append(f"| {kind} | {_figures(alone[kind])} | {_figures(among[kind])} |")
    return "\n".join(lines)


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _figures(seconds: list[float]) -> str:
    if not seconds:
        return "0 | |"
    ordered = sorted(seconds)
    middle = ordered[math.ceil(len(ordered) / 2) - 1]
    return f"{len(ordered)} | {middle:.1f} | {ordered[-1]:.1f}"
