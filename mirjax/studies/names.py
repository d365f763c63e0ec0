"""Names of the experiments, at no cost for flags that list them."""

EXPERIMENT_NAMES = tuple(f"T{number}" for number in range(1, 10))
