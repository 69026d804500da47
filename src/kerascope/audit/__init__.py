"""The audit: what a model has learned, over a whole data set."""
