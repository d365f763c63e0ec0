"""Batched Smith-Waterman in JAX and position-weighted complementarity."""
