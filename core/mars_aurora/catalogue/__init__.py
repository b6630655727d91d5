"""The run as files."""
