"""BLAST+'s own table, sooner: programs, databases, statistics, prefilter, search."""
