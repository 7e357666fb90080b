"""What programs call, and all that the command line calls."""
