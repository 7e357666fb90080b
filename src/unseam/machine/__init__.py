"""What this computer has: cores, memory, and memory that is kept for the next step."""
