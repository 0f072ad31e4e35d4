"""promtool out of Debian's package, without installing it: with it would come a server that starts at boot."""

import shutil
import tempfile
from pathlib import Path

from compose.services.base import run_tool
from compose.settings import StackSettings
from stridelog.errors import UserError


def promtool(settings: StackSettings) -> Path:
    """The one on the PATH, else one unpacked below ``.local``. Raises ``UserError`` where neither can be."""
    if there := shutil.which("promtool"):
        return Path(there)
    unpacked = settings.bin / "promtool"
    if not unpacked.exists():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise UserError("promtool is not on the PATH: install Prometheus with your system's own tools")
        log = settings.log("install")
        with tempfile.TemporaryDirectory(dir=_made(settings.local)) as folder:
            what = "getting promtool out of Debian's package prometheus (no network? then: apt-get update)"
            script = 'cd "$0" && apt-get download prometheus && dpkg-deb -x prometheus_*.deb .'
            run_tool(["/bin/sh", "-c", script, folder], what, log)
            _made(settings.bin)
            shutil.move(Path(folder) / "usr" / "bin" / "promtool", unpacked)
    return unpacked


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
