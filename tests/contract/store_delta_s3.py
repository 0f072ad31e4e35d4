"""An S3 server for one test session: the stack's own service s3, with a folder and a port that nobody else uses."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from compose.services.s3 import BUCKET, S3
from compose.settings import StackSettings
from compose.supervisor import Supervisor
from sinks.lake import WATERMARKS
from stridelog.errors import UserError
from stridelog.settings import Settings

from .store_delta import DeltaFolder


@contextmanager
def gateway(folder: Path) -> Iterator[StackSettings]:
    """A running versitygw over ``folder``. Skips the test where it cannot be built or started, and says why."""
    shared = StackSettings.from_environment()
    if not S3(shared).program.exists():
        command = [sys.executable, "-m", "compose", "install", "--services", "s3"]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode:
            pytest.skip(f"no S3 server: {' '.join(built.stderr.split())}")
    settings = replace(shared, local=folder, ports={**shared.ports, "s3": _free_port()})
    settings.bin.symlink_to(shared.bin)
    supervisor = Supervisor(settings, [S3(settings)], lambda service, what: None)
    try:
        supervisor.up()
    except UserError as error:
        pytest.skip(f"no S3 server: {error}")
    try:
        yield settings
    finally:
        supervisor.down()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class DeltaS3(DeltaFolder):
    name = "delta-s3"
    patience = "sinks.lake.S3_ANSWER_TIMEOUT_S"
    ports = ("s3_port",)
    behind_proxy = True
    server: ClassVar[StackSettings]

    def configure(self, folder: Path) -> Settings:
        settings = super().configure(folder)
        return settings.model_copy(
            update={
                "lake_url": f"s3://{BUCKET}/lake",
                "s3_port": self.server.ports["s3"],
                "s3_access_key": self.server.s3_access_key,
                "s3_secret_key": self.server.s3_secret_key,
            }
        )

    def unreachable(self) -> Settings:
        return super(DeltaFolder, self).unreachable()

    async def lose_watermarks(self) -> None:
        self._remove(WATERMARKS)

    async def drop(self) -> None:
        self._remove("")

    def _remove(self, name: str) -> None:
        """An object is a file in the gateway's folder."""
        folder = self.server.data("s3") / BUCKET / "lake" / self.settings.namespace / name
        if folder.exists():  # a test that never opened a sink made no tables
            shutil.rmtree(folder)
