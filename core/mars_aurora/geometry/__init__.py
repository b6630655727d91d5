"""Geometry: lines of sight, the canvas, footprints and outlines on the sphere."""
