"""The normalised picture of an observation."""
