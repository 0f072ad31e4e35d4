"""The chart of ``stridelog bench transport``: one bar a contender, as SVG that reads on light and dark pages."""

from html import escape
from typing import Final

from bench.transport_result import OURS, Result, Standing

WIDTH: Final = 760
_LEFT, _RIGHT, _TOP, _STEP, _BAR = 210, 150, 64, 34, 20
_STYLE: Final = """
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 16px; font-weight: 600; }
  .note { font-size: 12px; fill: #656d76; }
  .engine { fill: #1a7f37; } .peer { fill: #8c959f; } .fetch { fill: #d0d7de; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .note { fill: #8d96a0; }
    .engine { fill: #3fb950; } .peer { fill: #6e7681; } .fetch { fill: #30363d; }
  }
"""


def draw(result: Result) -> str:
    """The result as SVG text: bars as long as the events a second; contenders without figures are named."""
    bars = [_bar(index, name, standing, result) for index, (name, standing) in enumerate(result.standings.items())]
    height = _TOP + len(bars) * _STEP + 44
    notes = (
        f"{result.events:,} JSON events of {result.event_bytes:.0f} bytes, 8 partitions, lz4; decode, sum by user and "
        f"minute; median of {result.rounds} rounds.",
        "Light bars only fetch. Command: stridelog bench transport --chart FILE",
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'role="img" aria-label="Events a second by contender">',
        f"<style>{_STYLE}</style>",
        '<text class="title" x="16" y="28">Events a second, one process, the same job</text>',
        '<text class="note" x="16" y="48">in brackets: how many times as fast as this the engine is</text>',
        *bars,
        *(
            f'<text class="note" x="16" y="{height - 26 + 16 * number}">{escape(note)}</text>'
            for number, note in enumerate(notes)
        ),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bar(index: int, name: str, standing: Standing, result: Result) -> str:
    said = standing.as_json()
    y = _TOP + index * _STEP
    label = f'<text x="{_LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(standing.title)}</text>'
    if "failure" in said:
        return f'{label}<text class="note" x="{_LEFT}" y="{y + 15}">no figures</text>'
    most = max(each.as_json().get("events_per_s", 0) for each in result.standings.values())
    length = max(1, round((WIDTH - _LEFT - _RIGHT) * said["events_per_s"] / most))
    kind = "engine" if name == OURS else "fetch" if standing.job == "fetch" else "peer"
    ratio = result.ratio(name)
    times = "" if ratio is None or name == OURS else f" ({ratio:.1f}×)"
    return (
        f'{label}<rect class="{kind}" x="{_LEFT}" y="{y}" width="{length}" height="{_BAR}" rx="3"/>'
        f'<text x="{_LEFT + length + 8}" y="{y + 15}">{said["events_per_s"]:,}{times}</text>'
    )
