"""What ``stridelog run`` remembers of its town, so that the next run goes on with the same one."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from stridelog.errors import UserError
from stridelog.settings import Settings

_DAY: Final = timedelta(days=1)


class TownFile(BaseModel):
    """A town of one seed since one day, and up to which day (that one too) its whole history is in the log.

    The same seed, number of athletes and first day send the same bytes, so to send a day again changes nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    athletes: int
    seed: int
    first_day: date
    sent_until: date | None = None

    @property
    def next_day(self) -> date:
        """The first day that is not wholly in the log."""
        return self.sent_until + _DAY if self.sent_until else self.first_day

    def days_until(self, last_day: date) -> int:
        """The ``--days`` of ``stridelog simulate`` for a history that ends with ``last_day``."""
        return (last_day - self.first_day).days


def path_of(settings: Settings) -> Path:
    """Where the file is: in the folder of what the instance stores on this machine."""
    return settings.data / f"town-{settings.namespace}.json"


def load(settings: Settings) -> TownFile | None:
    """The remembered town; ``None``: there is none. Raises ``UserError`` for a file that is not one."""
    path = path_of(settings)
    try:
        return TownFile.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        first_line = str(error).splitlines()[0]
        raise UserError(f"{path} is not readable ({first_line}): remove it, and the same town is sent again") from error


def save(settings: Settings, town: TownFile) -> None:
    """Remember a town."""
    path = path_of(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(town.model_dump_json(indent=2) + "\n")


def yesterday(now: datetime) -> date:
    """The last day that is over, UTC: what it holds does not change any more."""
    return now.astimezone(UTC).date() - _DAY
