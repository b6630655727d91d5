"""The help of the commands: in groups, and with words in place of the names of Python's types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

LOCAL, CLOUD, DATA, OTHER = "On this computer", "In the cloud", "Data", "Other commands"
PANELS = {
    "plot": LOCAL,
    "submit": CLOUD,
    "status": CLOUD,
    "fetch": CLOUD,
    "resume": CLOUD,
    "stop": CLOUD,
    "cost": CLOUD,
    "doctor": CLOUD,
    "simulate": DATA,
    "label": DATA,
}
_WORDS: dict[object, str] = {bool: "", int: "N", str: "TEXT", Path: "PATH"}


def name_values(parameters: list[Any]) -> list[Any]:
    """Name the values of the parameters of a command, in place of their types; return the parameters."""
    for parameter in parameters:
        if isinstance(parameter, TyperArgument):  # its name says it
            parameter.display_type_rich = lambda ctx: None  # type: ignore[method-assign]  # noqa: ARG005 -- as the method
        elif isinstance(parameter, TyperOption) and parameter.metavar is None:
            parameter.metavar = _WORDS.get(parameter.type_descriptor.annotation)
    return parameters


class Command(TyperCommand):
    """A command whose help names values by words."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 -- the types of typer's own copy of click
        return name_values(super().get_params(ctx))


class Group(TyperGroup):
    """The command that has all others, whose help names values by words."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 -- as Command
        return name_values(super().get_params(ctx))
