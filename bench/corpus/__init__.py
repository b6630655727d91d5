"""Broken and odd files made by code, each with the right answer; `bench.faults` runs them."""
