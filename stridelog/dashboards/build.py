"""All dashboards, and the files that Grafana reads."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from stridelog.dashboards.ingestion import ingestion
from stridelog.dashboards.leaderboards import leaderboards
from stridelog.dashboards.platform import platform
from stridelog.dashboards.social import social
from stridelog.dashboards.training import training

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"
DASHBOARDS: Final[dict[str, Callable[[], Dashboard]]] = {
    "platform": platform,
    "ingestion": ingestion,
    "training": training,
    "leaderboards": leaderboards,
    "social": social,
}


def rendered(name: str) -> str:
    """A dashboard as the text of its file."""
    return json.dumps(DASHBOARDS[name](), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path = FOLDER) -> list[Path]:
    """Write the files of all dashboards; returns those that changed."""
    changed = []
    for name in DASHBOARDS:
        path, text = folder / f"{name}.json", rendered(name)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(path)
    return changed
