"""Readers of published model files."""
