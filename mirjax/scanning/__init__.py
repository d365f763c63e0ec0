"""Transcripts in, target sites out: windows, candidates, engines and tables."""
