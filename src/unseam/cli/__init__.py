"""The command line: one file per verb. A mistake of the user ends with one clear line and exit code 2."""
