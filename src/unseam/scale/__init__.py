"""Prediction of images larger than memory, chunk by chunk: on one process, several, or a cluster; it can be resumed."""
