"""Simulator of EMUS observations with known auroras."""
