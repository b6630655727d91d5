"""Cleaning: remove light of the detector, not of Mars, on the native grid, between reader and picture."""
