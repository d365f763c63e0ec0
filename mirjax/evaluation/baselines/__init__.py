"""Baselines: what predictors without a model get."""
