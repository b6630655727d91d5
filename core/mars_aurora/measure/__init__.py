"""From boxes to measured auroras."""
