"""All kinds of cases, by name."""

from bench.corpus import columns, containers, damage, geometry, headers, naming, tables, values
from bench.corpus.case import KINDS

MODULES = (columns, headers, tables, damage, containers, geometry, values, naming)  # each registers its kinds
__all__ = ["KINDS", "MODULES"]
