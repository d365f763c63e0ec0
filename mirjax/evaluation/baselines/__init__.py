"""Baselines: predictors that need no model."""
