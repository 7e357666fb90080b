"""The command line: one file a verb; a user's mistake is one clear line and exit code 2."""
