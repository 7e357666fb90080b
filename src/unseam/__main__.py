"""``python -m unseam``."""

from unseam.cli.app import main

main()
