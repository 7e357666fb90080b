"""From annotated images to training samples: labels, weight maps, normalisation, crops."""
