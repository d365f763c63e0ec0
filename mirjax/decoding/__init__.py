"""From a generator's parameters to miRNA letters."""
