"""Letters, pairing rules, records, FASTA and windows."""
