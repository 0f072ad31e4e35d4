"""MongoDB's local stand-in: mongo-java-server on an H2 file, which persists and speaks MongoDB's wire protocol."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from compose.services.base import Need, NotReadyError, ProcessSpec, Service, find_java
from compose.settings import HOST, ServiceName

MONGO_HEAP: Final = "384m"


class Mongo(Service):
    """One process, one file; no replica set, so no transactions and no change streams."""

    name: ClassVar[ServiceName] = "mongo"

    def missing(self) -> Sequence[Need]:
        needs = [] if find_java() else [Need("java", ["openjdk-17-jdk-headless"])]
        compiled, source = self.classes / "LocalMongo.class", Path(__file__).parents[1] / "mongo" / "LocalMongo.java"
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            needs.append(Need("the jars of MongoDB's stand-in"))
        return needs

    @property
    def classes(self) -> Path:
        """Folder with the compiled launcher."""
        return self.settings.lib("mongo") / "classes"

    def processes(self) -> Sequence[ProcessSpec]:
        port = self.settings.ports["mongo"]
        class_path = f"{self.classes}:{self.settings.lib('mongo')}/*"
        argv = [find_java() or "java", f"-Xmx{MONGO_HEAP}", "-Xms32m", "-XX:+UseSerialGC", "-cp", class_path]
        argv += ["LocalMongo", str(port), str(self.settings.data("mongo") / "stridelog.mv")]
        return [ProcessSpec("mongo", self.name, argv, [port], self.settings.log("mongo"))]

    def prepare(self) -> None:
        self.settings.data("mongo").mkdir(parents=True, exist_ok=True)

    def probe(self, process: ProcessSpec) -> str:
        client: MongoClient[dict[str, Any]] = MongoClient(HOST, process.port, serverSelectionTimeoutMS=1_000)
        try:
            return f"{client.admin.command('buildInfo')['version']} stand-in"
        except PyMongoError as error:
            raise NotReadyError(str(error)) from error
        finally:
            client.close()
