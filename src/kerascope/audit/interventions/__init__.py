"""Interventions: change one thing in a picture and see whether the prediction follows."""
