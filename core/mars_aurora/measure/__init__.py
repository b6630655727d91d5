"""Measurement: from boxes on the canvas to auroras on Mars."""
