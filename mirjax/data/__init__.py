"""Sequences, named datasets, splits and batches."""
