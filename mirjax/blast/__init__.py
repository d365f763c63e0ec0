"""Exact blastn results, faster: databases, statistics, prefilter, search."""
