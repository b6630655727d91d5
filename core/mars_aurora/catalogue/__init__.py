"""Output files of a run: tables, maps, labels, plots and the report."""
