"""Settings: environment variables with the prefix STRIDELOG_, or a .env file in the folder it runs in."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the stores are and how the engine behaves. The ports are those that the local stack listens on."""

    model_config = SettingsConfigDict(env_prefix="STRIDELOG_", env_file=".env", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    kafka_port: int = 19092
    clickhouse_port: int = 18123
    mongo_port: int = 17017
    redis_port: int = 16379
    postgres_port: int = 15432
    s3_port: int = 17070

    local: Path = Field(default=Path(".local"), description="where the local stack and folder-backed stores keep files")
    namespace: str = Field(
        default="stridelog",
        pattern=r"^[a-z][a-z0-9_]{0,30}$",
        description="prefix of everything shared: consumer groups, database names, key space; tests use one each",
    )
    kafka: str = Field(default="", description="bootstrap servers; empty: host and kafka_port")
    clickhouse_user: str = "default"
    clickhouse_password: str = ""
    mongo_url: str = ""
    redis_url: str = ""
    postgres_url: str = ""
    topic_prefix: str = Field(default="", description="put before every topic name; tests use one each")
    replication: int = Field(
        default=0, ge=0, le=9, description="copies of each partition, for a cluster of brokers; 0: as topics.yaml says"
    )
    lake_url: str = Field(
        default="", description="folder or s3://bucket/prefix of the Delta tables; empty: <local>/data/lake"
    )
    mlflow_url: str = Field(
        default="", description="MLflow tracking server; empty: SQLite and a folder in <local>/data/mlflow"
    )
    model_poll_s: float = Field(
        default=5.0, gt=0, description="seconds between looks at the registry for a new champion"
    )
    s3_endpoint: str = ""
    s3_access_key: str = "stridelog"
    s3_secret_key: str = "stridelog-secret"  # noqa: S105 - of the local stack only

    fetch_max_records: int = Field(default=20_000, description="upper bound of records in one batch")
    fetch_max_bytes: int = Field(default=2 << 20, description="upper bound of one partition's fetch, in bytes")
    session_timeout_s: float = Field(
        default=10.0, description="a worker that is silent for so long loses its partitions"
    )
    lake_commit_interval_s: float = Field(
        default=5.0, description="Delta commits at least this often while there are rows"
    )
    lake_commit_rows: int = Field(default=50_000, description="…or when so many rows wait")
    cached_facts: int = Field(
        default=15_000,
        ge=0,
        description="facts of users that a worker keeps in memory, per agent and partition; a user counts as ten more",
    )
    postgres_connections: int = Field(default=8, ge=2, description="connections to PostgreSQL of a worker, at most")
    privacy_key: str = Field(
        default="of the local stack only: every other has its own",
        description="secret of privacy zones, 32 random bytes or more; with another one all circles move",
    )
    feed_fan_out_most: int = Field(
        default=1_000,
        ge=0,
        description="followers of an athlete whose workouts are written to each one's feed; above, pages merge them",
    )
    achievements_file: str = Field(
        default="", description="file of the rules of achievements; empty: the project's achievements.yaml"
    )
    fusing_file: str = Field(
        default="", description="file of what channels are taken from; empty: the project's fusing.yaml"
    )
    keep_samples: bool = Field(
        default=True,
        description="raw samples in ClickHouse; without them a workout's summary rests on what its device states",
    )
    control_poll_s: float = Field(
        default=1.0, gt=0, description="seconds between a worker's looks at which agents are paused"
    )
    dead_letters_in_a_row: int = Field(
        default=1_000, ge=1, description="an agent pauses itself before so many records in a row become dead letters…"
    )
    dead_letters_ratio: float = Field(
        default=0.5, gt=0, le=1, description="…or this share of the last dead_letters_window records"
    )
    dead_letters_window: int = Field(default=10_000, ge=1, description="records that dead_letters_ratio looks at")
    metrics_port: int = Field(default=0, description="/metrics and /health of a worker; 0: a free port, printed")

    @property
    def bootstrap(self) -> str:
        """Kafka bootstrap servers."""
        return self.kafka or f"{self.host}:{self.kafka_port}"

    @property
    def mongo(self) -> str:
        """MongoDB connection string."""
        return self.mongo_url or f"mongodb://{self.host}:{self.mongo_port}"

    @property
    def redis(self) -> str:
        """Redis URL."""
        return self.redis_url or f"redis://{self.host}:{self.redis_port}/0"

    @property
    def postgres(self) -> str:
        """PostgreSQL connection string."""
        return self.postgres_url or f"postgresql://stridelog@{self.host}:{self.postgres_port}/stridelog"

    @property
    def data(self) -> Path:
        """Folder of all that is stored on this machine, by services and by us: ``make clean`` removes it."""
        return self.local / "data"

    @property
    def lake(self) -> str:
        """Root of the Delta tables."""
        return self.lake_url or str((self.data / "lake").resolve())


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once."""
    return Settings()
