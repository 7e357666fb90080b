"""One training, in a folder: from prepared samples to a model that is kept."""
