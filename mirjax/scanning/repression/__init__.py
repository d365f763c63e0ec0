"""How far a miRNA represses an mRNA: site features, and an interpretable head."""
