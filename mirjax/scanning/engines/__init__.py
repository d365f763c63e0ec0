"""Engines: fast, exact scoring of transcript windows by a classifier."""
