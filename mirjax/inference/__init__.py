"""From parameters to predictions, in batches."""
