"""Configuration of the documentation site: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT / "tools"))

import mars_aurora  # noqa: E402 -- the path is set above
import reference  # noqa: E402 -- the path is set above

REPOSITORY = "https://github.com/mars-aurora/mars-aurora"

project, release, author = "mars-aurora", mars_aurora.__version__, "the mars-aurora developers"
copyright = "the mars-aurora developers"  # noqa: A001 -- the name that Sphinx reads
extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["reference/generated", "build"]

myst_heading_anchors = 4  # links to headings are checked
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "cache"  # executed once, and again when a cell changes
nb_execution_cache_path = str(ROOT / "build" / "docs-cache")
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

autodoc_typehints = "none"  # numpydoc describes the parameters
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = f"mars-aurora {release}"
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "docs/",
}
html_show_sourcelink = False


def link_repository(_app: Sphinx, document: str, source: list[str]) -> None:
    """Make links to files of the repository that are not pages, such as ``../model/README.md``, absolute."""
    depth = document.count("/") + 1
    source[0] = source[0].replace(f"]({'../' * depth}", f"]({REPOSITORY}/blob/main/")


def setup(app: Sphinx) -> dict[str, Any]:
    reference.write_pages(DOCS / "reference" / "generated")
    app.connect("source-read", link_repository)
    return {"parallel_read_safe": True}
