"""From a model's parameters to predictions, in batches."""
