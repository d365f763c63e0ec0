"""Sharded, resumable training."""
