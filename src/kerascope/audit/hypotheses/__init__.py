"""Hypotheses: what a class may hang on, proposed from one half of the pictures."""
