"""One training run in a folder: from prepared samples to a saved model."""
