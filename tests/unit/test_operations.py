"""The operations page explains every outcome and every reason code that a ledger can have."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import mars_aurora
from mars_aurora.errors import Reason
from mars_aurora.run.ledger import Outcome

PACKAGE = Path(mars_aurora.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
CODE = re.compile(r"[a-z][a-z0-9_]+")


def documented(heading: str) -> list[str]:
    """The codes in the first column of the tables below a heading."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE)


def is_outcome(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Outcome"


def texts(expression: ast.AST) -> Iterator[str]:
    """The texts of an expression that have the form of a code: one, or those of all cases."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value


def reasons(node: ast.AST) -> Iterator[str]:
    """The texts of a piece of code that are reasons: beside an outcome, or assigned to ``reason``."""
    if isinstance(node, ast.Call):
        yield from _beside_outcome(node.args)
        yield from (text for keyword in node.keywords if keyword.arg == "reason" for text in texts(keyword.value))
    if isinstance(node, ast.Tuple):
        yield from _beside_outcome(node.elts)
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from _assigned(target, node.value)


def _beside_outcome(expressions: list[ast.expr]) -> Iterator[str]:
    for first, second in pairwise(expressions):
        if is_outcome(first) or (isinstance(first, ast.Name) and first.id == "record"):
            yield from texts(second)


def _assigned(target: ast.AST, value: ast.AST) -> Iterator[str]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=True):
            yield from _assigned(one, other)
    elif isinstance(target, ast.Name) and target.id in {"reason", "NO_RECORD", "NOT_COUNTED", "TOO_FEW_OBJECTS"}:
        yield from texts(value)
    elif isinstance(target, ast.Name) and re.search("REASONS|IGNORED", target.id) and isinstance(value, ast.Dict):
        yield from (text for item in value.values for text in texts(item))


def reasons_in_code() -> set[str]:
    trees = [ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")]
    return {reason for tree in trees for node in ast.walk(tree) for reason in reasons(node)} | {*Reason}


def test_every_reason_of_the_code_is_explained_once():
    found = documented("Reason codes")
    assert sorted(found) == sorted(reasons_in_code())


def test_every_final_outcome_is_explained_once():
    assert sorted(documented("Outcomes")) == sorted({*Outcome} - {Outcome.CANDIDATE})


CODE_WITH_REASONS = """
Record(name, Outcome.FAILED, "one")
reason = "two" if x else "three"
replace(record, reason="four")
_REASONS = {A: "five"}
reason, other = "six", "no"
_failed(record, "seven", "no")
"""


def test_reasons_are_found_in_code():
    found = {reason for node in ast.walk(ast.parse(CODE_WITH_REASONS)) for reason in reasons(node)}
    assert found == {"one", "two", "three", "four", "five", "six", "seven"}
