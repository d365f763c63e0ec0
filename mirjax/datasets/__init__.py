"""Published datasets, readers, splits, negatives and batches."""
