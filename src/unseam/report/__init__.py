"""What a person looks at: curves, overlays, cards."""
