"""The doctor: find what is wrong with a folder of annotated images before training on it."""
