"""Concepts: directions in activations that people have words for."""
