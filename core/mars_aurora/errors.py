"""The two families of errors: bad input and infrastructure failure.

Class names must not change: the retry and catch rules of the state machine refer to them.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why an input was rejected: the codes in the ledger."""

    UNREADABLE = "unreadable"  # no permission, or removed: failed, and tried again by the next run
    CHANGED = "changed_during_run"  # replaced while it was read: failed, and tried again by the next run
    NOT_A_FILE = "not_a_file"  # a folder or a pipe
    EMPTY = "empty_file"
    NOT_FITS = "not_fits"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"  # unpacked size or ratio over its limit
    UNKNOWN_PRODUCT = "unknown_product"  # code kept for compatibility: a kind of file that is not supported
    MISSING_HDU = "missing_hdu"
    MISSING_COLUMN = "missing_column"
    WRONG_SHAPE = "wrong_shape"
    WRONG_UNIT = "wrong_unit"  # of another physical type than expected
    NO_INTEGRATIONS = "no_integrations"
    TOO_FEW_INTEGRATIONS = "too_few_integrations"
    NO_LINE = "no_130nm_line"  # O I 130.4 nm is outside the wavelength range, or missing in the list of emissions
    NO_EMISSION = "no_emission"  # the same for any other emission
    NO_DATA = "no_finite_data"
    NO_DISK = "no_disk"
    NO_SZA = "no_sza"  # no pixel of the disk has a solar zenith angle: day and night cannot be told apart
    IMPLAUSIBLE_BRIGHTNESS = "implausible_brightness"  # in another unit than stated, or not of this emission
    INCONSISTENT_GEOMETRY = "inconsistent_geometry"  # angles or local time disagree with the coordinates


class MarsAuroraError(Exception):
    """Base of all errors that the package raises."""


class InputError(MarsAuroraError):
    """Bad input: never retried; the outcome is ``rejected``.

    Parameters
    ----------
    reason : Reason
        Code for the ledger.
    name : str
        Name of the input, part of every message.
    detail : str
        What was found and what was expected, for the user.
    """

    def __init__(self, reason: Reason, name: str, detail: str) -> None:
        super().__init__(reason, name, detail)  # all three arguments, so that the error can be pickled
        self.reason = reason
        self.name = name
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}: {self.detail}"


class TransientError(MarsAuroraError):
    """Infrastructure failure (throttling, timeouts, connections): may succeed when retried."""


class ChangedError(MarsAuroraError):
    """An input was replaced or removed between its listing and the end of its reading; the next run reads it again."""


class BusyError(MarsAuroraError):
    """Another process works in the run folder, or another execution of the workflow on the run."""


class UnbalancedLedgerError(MarsAuroraError):
    """The outcomes do not add up to the number of listed inputs: the run is incomplete."""


class UsageError(MarsAuroraError):
    """Invalid request: wrong folder, clashing names, bad parameter."""


class ProductError(MarsAuroraError):
    """A product of a run that was written cannot be read back, or does not have all its rows."""
