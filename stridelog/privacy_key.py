"""The secret that moves the circles of privacy zones away from the homes in them."""

from domain.privacy_zones import MIN_KEY_BYTES
from stridelog.errors import UserError
from stridelog.settings import Settings


def privacy_key_of(settings: Settings) -> bytes:
    """The key as the settings have it. Raises ``UserError`` for one that is too short."""
    key = settings.privacy_key.encode()
    if len(key) < MIN_KEY_BYTES:
        raise UserError(
            f"STRIDELOG_PRIVACY_KEY has {len(key)} bytes: give it {MIN_KEY_BYTES} random ones or more, and keep them"
        )
    return key


class PrivacyKey:
    """The key as it was when the worker started."""

    def __init__(self, settings: Settings) -> None:
        self.key = privacy_key_of(settings)

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from."""
