"""Writers of simulated observations in the format of the instrument's files."""
