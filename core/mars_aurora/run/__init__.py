"""What belongs to a run."""
