"""The object count."""
