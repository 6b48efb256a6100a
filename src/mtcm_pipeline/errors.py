"""Every error that this package raises on purpose.

A message names the file or frame, the offending value, what was expected and
what to do about it; that is why the classes carry no further state.
"""


class MtcmError(Exception):
    """Root of all errors of this package."""


class IdentityError(MtcmError):
    """The identity's name is not usable, or no such identity exists."""


class CaptureError(MtcmError):
    """The capture on disk cannot be used as it is (missing, empty, ambiguous)."""


class FileContentError(MtcmError):
    """A file's content is not what its name promises (broken, unreadable, NaN)."""


class ParameterError(MtcmError):
    """A parameter is unknown or out of its bounds."""


class VersionError(MtcmError):
    """Persisted versions are missing, incomplete or do not belong together."""


class ExportError(MtcmError):
    """An export could not be written, or did not read back as it was meant."""


class FleetError(MtcmError):
    """Runs of many identities cannot be started: no cluster, or nothing to run them."""
