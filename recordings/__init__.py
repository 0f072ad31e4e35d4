"""Reading what devices and apps record: FIT, GPX and TCX files."""

from recordings.model import Device, Pauses, Recording, RecordingError
from recordings.read import SUFFIXES, read_recording

__all__ = ["SUFFIXES", "Device", "Pauses", "Recording", "RecordingError", "read_recording"]
