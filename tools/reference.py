"""Write the pages of the reference that follow from the code: docs/reference/generated/*.md.

    python tools/reference.py FOLDER

The documentation is built with them (docs/conf.py), so that they cannot differ from the code.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import typer
import yaml
from typer.core import TyperArgument, TyperCommand, TyperGroup

from mars_aurora.aurora import COLUMNS
from mars_aurora.catalogue.ledger_table import LEDGER_COLUMNS
from mars_aurora.emission import EMISSIONS
from mars_aurora.local import commands
from mars_aurora.local.help import PANELS
from mars_aurora.run import messages
from mars_aurora.run.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # -- yaml has no types
    """Reads a template of CloudFormation; its short tags are of no interest here."""


_Loader.add_multi_constructor("!", lambda _loader, suffix, node: f"!{suffix} {node.value}")


def make_pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    template = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), _Loader)  # noqa: S506 -- a SafeLoader
    makers = {
        "command-line": _list_commands(),
        "catalogue-columns": _list_columns(),
        "ledger-columns": _list_ledger(),
        "emissions": _list_emissions(),
        "settings": _list_settings(),
        "parameters": _list_parameters(template["Parameters"]),
        "outputs": _list_outputs(template["Outputs"]),
        "messages": _list_messages(),
    }
    return {name: "\n".join(lines) + "\n" for name, lines in makers.items()}


def write_pages(folder: Path) -> None:
    """Write each page whose text has changed, so that only these are built again."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in make_pages().items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def list_commands() -> dict[str, TyperCommand]:
    """Return the commands by name, in the order of the help."""
    if not any(command.name in PANELS for command in commands.app.registered_commands):
        commands.add_commands([])
    group = typer.main.get_command(commands.app)
    if not isinstance(group, TyperGroup):
        raise TypeError("the command line has no commands")
    return {name: command for name, command in group.commands.items() if isinstance(command, TyperCommand)}


def _list_commands() -> Iterator[str]:
    for name, command in list_commands().items():
        yield from (f"## mars-aurora {name}", "", inspect.cleandoc(command.help or ""), "")
        context = typer.Context(command, info_name=f"mars-aurora {name}")
        parameters = [item for item in command.get_params(context) if item.name != "help"]
        rows = [_describe_parameter(item) for item in parameters]
        arguments = " ".join(_name_argument(item) for item in parameters if isinstance(item, TyperArgument))
        yield from ("```", f"mars-aurora {name} {arguments} [OPTIONS]", "```", "")
        yield from _table(("argument or option", "default", "meaning"), rows)


def _name_argument(argument: TyperArgument) -> str:
    return f"{argument.metavar or argument.name}{'...' if argument.nargs != 1 else ''}"


def _describe_parameter(parameter: Any) -> tuple[str, str, str]:  # noqa: ANN401 -- the types of typer's own copy of click
    meaning = parameter.help or ""
    if isinstance(parameter, TyperArgument):
        return f"`{parameter.metavar or parameter.name}`", "required" if parameter.required else "", meaning
    names = " / ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    value = f" `{parameter.metavar}`" if parameter.metavar else ""
    if parameter.type_descriptor.is_choice and not parameter.metavar:
        value = " " + " \\| ".join(f"`{choice}`" for choice in parameter.type_descriptor.choices)
    default = "required" if parameter.required else parameter.default
    plain = default is None or isinstance(default, bool) or default == ""
    return names + value, "" if plain else f"`{default}`" if default != "required" else "required", meaning


def _list_columns() -> Iterator[str]:
    rows = [(f"`{item.name}`", item.unit, f"`{item.ucd}`", item.meaning) for item in COLUMNS]
    yield from _table(("column", "unit", "UCD", "meaning"), rows)


def _list_ledger() -> Iterator[str]:
    yield from (", ".join(f"`{name}`" for name in LEDGER_COLUMNS) + ".", "")


def _list_emissions() -> Iterator[str]:
    rows = [
        (
            f"`{item.name}`",
            f"{item.wavelength_nm:g} nm",
            f"{item.heatmap_R[0]:g} to {item.heatmap_R[1]:g} R",
            f"{item.visible_R:g} R",
            f"{item.threshold_R:g} R",
            "yes" if item.has_network else "no",
        )
        for item in EMISSIONS.values()
    ]
    yield from _table(("emission", "wavelength", "scale of the picture", "visible", "threshold", "network"), rows)


def _list_settings() -> Iterator[str]:
    meanings = _read_attributes(Settings)
    rows = [(f"`{item.name.upper()}`", meanings.get(item.name, "")) for item in dataclasses.fields(Settings)]
    yield from _table(("environment variable", "meaning"), rows)


def _list_parameters(parameters: dict[str, dict[str, Any]]) -> Iterator[str]:
    rows = []
    for name, item in parameters.items():
        allowed = ", ".join(f"`{value}`" for value in item.get("AllowedValues", ()))
        limits = " to ".join(str(item[key]) for key in ("MinValue", "MaxValue") if key in item)
        limits = f"at least {limits}" if limits and "MaxValue" not in item else limits
        default = item.get("Default", "required")
        rows.append((f"`{name}`", f"`{default}`" if default != "" else "empty", allowed or limits, item["Description"]))
    yield from _table(("parameter", "default", "values", "meaning"), rows)


def _list_outputs(outputs: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield from _table(("output", "meaning"), [(f"`{name}`", item["Description"]) for name, item in outputs.items()])


def _list_messages() -> Iterator[str]:
    for name, kind in inspect.getmembers(messages, inspect.isclass):
        if not issubclass(kind, messages.Message) or kind is messages.Message:
            continue
        own = inspect.cleandoc(kind.__doc__ or "")
        yield from (f"## {name}", "", "" if own.startswith(f"{name}(") else own, "")
        hints = get_type_hints(kind)
        rows = [
            (f"`{item.name}`", f"`{getattr(hints[item.name], '__name__', hints[item.name])}`", _describe_default(item))
            for item in dataclasses.fields(kind)
        ]
        yield from _table(("field", "type", "default"), rows)


def _describe_default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{field.default!r}`"
    return "required" if field.default_factory is dataclasses.MISSING else "empty"


def _read_attributes(kind: type) -> dict[str, str]:
    """Read the section Attributes of a docstring: the meaning of each attribute."""
    section = inspect.cleandoc(kind.__doc__ or "").partition("Attributes\n----------\n")[2]
    found = re.findall(r"^(\w+) : [^\n]*\n((?: {4}[^\n]*\n?)+)", section, re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in found}


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    heads = list(heads)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(' '.join(cell.split()) for cell in row)} |"
    yield ""


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
