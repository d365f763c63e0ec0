"""miRNAs of one species, cut from miRBase's file of all species."""

import difflib
import os

from mirjax.inputs import read_text


def cut_species(fasta: str | os.PathLike[str], species: str) -> str:
    """Return the records of one species, unchanged.

    Args:
      fasta: miRBase's file of mature miRNAs. A name begins with the code of its
        species, as in ">mmu-let-7g-5p MIMAT0000121 Mus musculus let-7g-5p".
      species: the code, such as mmu.

    Returns:
      The records as FASTA, in file order.

    Raises:
      ValueError: if the file cannot be read or has no such species; the message names
        the nearest ones.
    """
    records = read_text(fasta).split(">")[1:]
    chosen = [record for record in records if record.startswith(f"{species}-")]
    if not chosen or "-" in species:
        nearest = ", ".join(_nearest_species(species, _species_names(records)))
        raise ValueError(
            f"mirbase/{species}: miRBase has no species of the code {species!r}; the "
            f"nearest are {nearest}"
        )
    return "".join(f">{record}" for record in chosen)


def _species_names(records: list[str]) -> dict[str, str]:
    """Return the name of each species by its code: mmu → Mus musculus."""
    names: dict[str, str] = {}
    for record in records:
        title = record.partition("\n")[0]
        code = title.partition("-")[0]
        if code not in names:
            # Between the miRNA's name and accession, and its short name.
            names[code] = " ".join(title.split()[2:-1])
    return names


def _nearest_species(species: str, names: dict[str, str]) -> list[str]:
    """Return the three species whose codes or names are most similar to a text."""
    query = species.lower().replace("_", " ")

    def unlikeness(code: str) -> float:
        name = names[code].lower()
        texts = (code, name, name[: len(query)])
        return -max(difflib.SequenceMatcher(None, query, t).ratio() for t in texts)

    best = sorted(names, key=unlikeness)[:3]
    return [f"mirbase/{code} ({names[code]})" for code in best]
