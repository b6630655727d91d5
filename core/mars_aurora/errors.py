"""The two error families: the file's fault, and the world's.

Class names are a contract: the state machine's retry and catch rules name them.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why an input was rejected; the codes that stand in the ledger."""

    UNREADABLE = "unreadable"  # permissions, not a regular file
    EMPTY = "empty_file"
    NOT_FITS = "not_fits"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"  # unpacked size or ratio over the bound
    UNKNOWN_PRODUCT = "unknown_product"  # sound FITS, of no kind that is read here
    MISSING_HDU = "missing_hdu"
    MISSING_COLUMN = "missing_column"
    WRONG_SHAPE = "wrong_shape"
    NO_INTEGRATIONS = "no_integrations"
    TOO_FEW_INTEGRATIONS = "too_few_integrations"
    NO_LINE = "no_130nm_line"  # the wavelength range or emission list lacks O I 130.4 nm
    NO_DATA = "no_finite_data"
    NO_DISK = "no_disk"


class MarsAuroraError(Exception):
    """Base of everything raised on purpose."""


class InputError(MarsAuroraError):
    """The input is at fault: never retried; becomes the outcome ``rejected``.

    Parameters
    ----------
    reason : Reason
        Code for the ledger.
    name : str
        Name of the input, so that the message never lacks it.
    detail : str
        What was found and what was expected, for a person.
    """

    def __init__(self, reason: Reason, name: str, detail: str) -> None:
        super().__init__(reason, name, detail)  # all three, so that it pickles between processes
        self.reason = reason
        self.name = name
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}: {self.detail}"


class TransientError(MarsAuroraError):
    """Infrastructure is at fault (throttling, time-outs, connections): worth a retry."""


class UnbalancedLedgerError(MarsAuroraError):
    """The outcomes do not add up to what was listed: the run must not pass for complete."""


class UsageError(MarsAuroraError):
    """A request that makes no sense as put: wrong folder, clashing names, bad parameter."""
