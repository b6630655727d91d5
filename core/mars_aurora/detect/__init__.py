"""Detectors: boxes of Mars and of auroras."""
