"""The generated pages of the reference have everything that the code has, and the site has every page."""

import re
import sys
from pathlib import Path

import pytest

from mars_aurora.aurora import COLUMNS

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import reference

DOCS = reference.ROOT / "docs"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return reference.make_pages()


def test_every_command_has_a_section_with_its_options(pages):
    sections = re.findall(r"^## mars-aurora (\w+)$", pages["command-line"], re.MULTILINE)
    assert sections == list(reference.list_commands())
    assert {"run", "inspect", "plot", "submit", "simulate"} <= set(sections)
    assert "| `--run-id` `TEXT` |" in pages["command-line"]
    assert "mars-aurora run INPUT... [OPTIONS]" in pages["command-line"]


def test_every_column_has_a_row_with_unit_and_meaning(pages):
    rows = [line for line in pages["catalogue-columns"].splitlines() if line.startswith("| `")]
    assert len(rows) == len(COLUMNS)
    assert any(row.startswith("| `area_km2` | km2 | `phys.area` | area inside the outline") for row in rows)


def test_every_setting_has_a_meaning(pages):
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", pages["settings"], re.MULTILINE)
    assert "WORK_BUCKET" in dict(rows)
    assert all(meaning.strip() for _, meaning in rows)


def test_every_parameter_of_the_template_has_its_default_and_its_limits(pages):
    template = (reference.ROOT / "template.yaml").read_text()
    names = re.findall(r"^  (\w+):", template.split("\nParameters:\n")[1].split("\n\n")[0], re.MULTILINE)
    assert re.findall(r"^\| `(\w+)` \|", pages["parameters"], re.MULTILINE) == names
    assert "| `MaxConcurrency` | `1000` | 1 to 10000 |" in pages["parameters"]


def test_messages_have_their_fields(pages):
    section = pages["messages"].split("## StartRequest")[1].split("## ")[0]
    assert "| `prefix` | `str` | required |" in section


def test_pages_are_written_only_where_they_change(tmp_path):
    reference.write_pages(tmp_path)
    first = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    (tmp_path / "settings.md").write_text("old")
    reference.write_pages(tmp_path)
    changed = {path.name for path in tmp_path.iterdir() if path.stat().st_mtime_ns != first[path]}
    assert changed == {"settings.md"}


def test_every_generated_page_is_included_in_the_site(pages):
    texts = "".join(path.read_text() for path in (DOCS / "reference").glob("*.md"))
    assert set(re.findall(r"\{include\} generated/([\w-]+)\.md", texts)) == set(pages)
