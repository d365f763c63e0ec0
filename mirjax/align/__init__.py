"""Alignment of decoded miRNAs to a database of known ones."""
