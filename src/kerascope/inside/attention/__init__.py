"""Attention: weights of every layer and head, and what they amount to together."""
