"""Metrics and pages."""
