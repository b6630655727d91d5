"""Artefacts of the instrument and its surroundings that imitate auroras; one module per kind of origin."""
