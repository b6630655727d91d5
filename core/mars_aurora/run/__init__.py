"""Keys, records, messages, settings and storage of a run."""
