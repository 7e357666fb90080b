"""Predictions of what was held out, their scores, and scores of files against annotations."""
