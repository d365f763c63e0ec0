"""Names of the experiments; importing them loads nothing heavy."""

EXPERIMENT_NAMES = tuple(f"T{number}" for number in range(1, 10))
