"""Repression of an mRNA by a miRNA: site features and an interpretable head."""
