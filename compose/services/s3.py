"""An S3 server over a folder: versitygw, built once from its source. Only tests of the S3 path need it."""

import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from compose.services.base import Need, NotReadyError, ProcessSpec, Service
from compose.settings import HOST, ServiceName

GATEWAY_VERSION: Final = "v1.8.0"
BUCKET: Final = "stridelog"


class S3(Service):
    """Buckets are folders below the data folder; the keys come from the settings."""

    name: ClassVar[ServiceName] = "s3"

    def missing(self) -> Sequence[Need]:
        return [] if self.program.exists() else [Need("versitygw")]

    @property
    def program(self) -> Path:
        """The built gateway."""
        return self.settings.bin / "versitygw"

    def processes(self) -> Sequence[ProcessSpec]:
        port = self.settings.ports["s3"]
        argv = [str(self.program), "--port", f"{HOST}:{port}", "--quiet", "posix", str(self.settings.data("s3"))]
        env = {
            "ROOT_ACCESS_KEY": self.settings.s3_access_key,
            "ROOT_SECRET_KEY": self.settings.s3_secret_key,
        }
        return [ProcessSpec("s3", self.name, argv, [port], self.settings.log("s3"), env)]

    def prepare(self) -> None:
        # A bucket is a folder; this one is there for everybody who does not need one of their own.
        (self.settings.data("s3") / BUCKET).mkdir(parents=True, exist_ok=True)

    def probe(self, process: ProcessSpec) -> str:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{process.port}/", timeout=2):
                return GATEWAY_VERSION
        except urllib.error.HTTPError as error:
            # Without a signature S3 refuses in its own words; that is its protocol answering.
            if b"<Error>" in error.read():
                return GATEWAY_VERSION
            raise NotReadyError(f"HTTP {error.code}") from error
        except (urllib.error.URLError, OSError) as error:
            raise NotReadyError(str(error)) from error
