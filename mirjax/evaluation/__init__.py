"""Metrics, and what a predictor gets without looking."""
