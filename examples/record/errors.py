"""What a recording that is none raises."""


class RecordingError(Exception):
    """The programs, the wire and the capture do not tell one story."""


class UnavailableError(Exception):
    """Nothing of this kind can be recorded on this machine."""
