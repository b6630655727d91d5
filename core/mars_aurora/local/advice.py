"""What the command line prints for an error: one line that says what is wrong and what to do next."""

from __future__ import annotations

import re

import typer

from mars_aurora.errors import MarsAuroraError, ProductError, UnbalancedLedgerError, UsageError
from mars_aurora.local.disk import DiskSpaceError

USAGE, FAILURE = 2, 1  # exit codes

_EXTRAS = {
    "boto3": "cloud",
    "botocore": "cloud",
    "matplotlib": "plots",
    "pyarrow": "parquet",
    "pyogrio": "maps",
}
_POSIX_MODULES = {"fcntl", "resource"}
_AWS = (  # a pattern of the message of boto3, and what to do
    (r"specify a region", "set AWS_DEFAULT_REGION to the region of the stack, or run `aws configure`"),
    (
        r"locate credentials|Partial credentials|profile .* not be found",
        "run `aws configure` or `aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    (r"[Ee]xpired|Token has expired|SSO session", "log in again, for example with `aws sso login`"),
    (
        r"InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|AuthFailure|InvalidAccessKeyId",
        "the credentials are not valid here: `aws sts get-caller-identity` shows whose they are",
    ),
    (r"AccessDenied|not authorized|Forbidden", "`mars-aurora doctor` names the rights that are missing"),
    (r"connect to the endpoint|timed? ?out", "check the network and the region"),
)
_NEXT: dict[type[Exception], str] = {
    ProductError: "repeat the command, which writes all products again",
    UnbalancedLedgerError: "repeat the command, which lists the inputs again",
    DiskSpaceError: "use another disk, or fewer inputs",
    PermissionError: "change its permissions, or use another folder",
    NotADirectoryError: "use another folder",
    FileExistsError: "use another folder",
}
_VALIDATION = (  # sentences of the library that converts arguments, and those of the command line
    (r"^Value error, ", ""),
    (r"Input should be greater than or equal to (\S+)", r"it must be at least \1"),
    (r"Input should be less than or equal to (\S+)", r"it must be at most \1"),
    (r"Input should be a valid integer.*", "it must be a whole number"),
    (r"Input should be a valid number.*", "it must be a number"),
)


def describe_error(error: Exception, command: str = "") -> tuple[str, int] | None:
    """Return the line and the exit code for an error of a command; None for an error that is not expected."""
    if isinstance(error, typer.TyperException):
        hint = f"mars-aurora {command} --help" if command else "mars-aurora --help"
        return f"{_reword(error.format_message())}; see `{hint}`", USAGE
    if isinstance(error, UsageError):
        return str(error), USAGE
    if isinstance(error, ModuleNotFoundError):
        return _describe_module(error)
    if isinstance(error, (MarsAuroraError, OSError)):
        return _add(str(error), next((text for kind, text in _NEXT.items() if isinstance(error, kind)), "")), FAILURE
    if type(error).__module__.startswith(("botocore.", "boto3.", "s3transfer.", "urllib3.")):
        advice = next((text for pattern, text in _AWS if re.search(pattern, str(error))), "")
        return _add(f"AWS: {error}".rstrip("."), advice), FAILURE
    return None


def _describe_module(error: ModuleNotFoundError) -> tuple[str, int] | None:
    name = (error.name or "").partition(".")[0]
    if name in _POSIX_MODULES:
        return "this command needs Linux or macOS; on Windows, use the Windows Subsystem for Linux (WSL)", USAGE
    if name in _EXTRAS:
        return f"this command needs {name}: pip install 'mars-aurora[{_EXTRAS[name]}]'", USAGE
    return None


def _reword(message: str) -> str:
    head, colon, tail = message.rstrip(".").partition(": ")
    for pattern, replacement in _VALIDATION:
        tail = re.sub(pattern, replacement, tail, flags=re.DOTALL)
    return head + colon + tail


def _add(message: str, advice: str) -> str:
    return f"{message}: {advice}" if advice else message
