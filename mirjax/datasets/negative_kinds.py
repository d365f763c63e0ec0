"""Names of the kinds of generated negatives. Costs little to import, for flags.

The module `negatives` explains and generates them.
"""

KINDS = ("frequency", "family", "random", "dinucleotide")
NO_NEGATIVES = "none"  # in place of a kind: positive pairs only
