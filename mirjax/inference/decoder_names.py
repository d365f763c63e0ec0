"""Names of the decoders, at no cost for flags that list them."""

GREEDY, BEAM, CONSTRAINED = NAMES = ("greedy", "beam", "constrained")
DEFAULT_WIDTH = 8  # prefixes that a beam keeps
