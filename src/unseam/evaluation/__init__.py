"""The one place that predicts what was held out, and scores it."""
