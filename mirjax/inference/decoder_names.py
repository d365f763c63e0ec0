"""Names of the decoders, without the cost of importing JAX."""

GREEDY, BEAM, CONSTRAINED = NAMES = ("greedy", "beam", "constrained")
"""The likeliest letter at each step; a beam search; one among allowed miRNAs only."""

DEFAULT_WIDTH = 8  # prefixes that a beam keeps
