"""The command line: runs on this machine, and commands for the deployed stack."""
