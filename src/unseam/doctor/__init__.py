"""The doctor: what is wrong with a folder of annotated images, found before anyone trains on it."""
