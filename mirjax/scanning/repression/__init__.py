"""How far a miRNA represses an mRNA: features of its sites, and a readable head."""
