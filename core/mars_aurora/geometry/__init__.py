"""Geometry: vectors on the sphere, footprints, the canvas."""
