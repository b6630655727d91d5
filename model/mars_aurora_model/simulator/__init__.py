"""Simulated EMUS observations with known auroras."""
