"""Random sequences, and sequences that resemble them."""


def random_sequence(rng, length):
    """Draw letters."""
    return "".join(rng.choice(list("ACGU"), length))


def edited(rng, sequence, number):
    """Substitute, delete or insert a letter, so many times."""
    letters = list(sequence)
    for _ in range(number):
        place = int(rng.integers(len(letters)))
        kind = rng.integers(3)
        if kind == 0:
            letters[place] = str(rng.choice(list("ACGU")))
        elif kind == 1 and len(letters) > 12:
            del letters[place]
        else:
            letters.insert(place, str(rng.choice(list("ACGU"))))
    return "".join(letters)
