"""Resources of this computer: its cores, its memory, and freed memory that is kept for the next step."""
