"""Recommendations of what to train next, as of the end of a workout; read card.md before using one."""

from typing import Final

KIND: Final = "recommend"
HORIZON_DAYS: Final = 3
"""What an athlete did next counts if it ended within so many days; nothing within them counts as rest."""
