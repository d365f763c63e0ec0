"""Tests of mirjax.datasets.mirbase, and of the names of species in the registry."""

import hashlib

import pytest

from mirjax.datasets import catalogue, mirbase, published_files, registry

ALL = (
    ">cel-let-7-5p MIMAT0000001 Caenorhabditis elegans let-7-5p\nUGAGGUAG\n"
    ">mmu-let-7g-5p MIMAT0000121 Mus musculus let-7g-5p\nUGAGGUAGUA\nGUUUG\n"
    ">mmul-miR-1 MIMAT0000002 Macaca mulatta miR-1\nUGGAAUGU\n"
    ">mmu-miR-1a-3p MIMAT0000123 Mus musculus miR-1a-3p\nUGGAAUGUAAA\n"
)


@pytest.fixture
def all_species(tmp_path, monkeypatch):
    """A small file of all species, and an empty cache."""
    file = tmp_path / "data" / "all.fa"
    file.parent.mkdir()
    file.write_text(ALL)
    digest = hashlib.sha256(ALL.encode()).hexdigest()
    entry = published_files.DataFile("all.fa", "https://none", digest, "fasta")
    monkeypatch.setitem(catalogue.FILES, "mirbase/all", entry)
    monkeypatch.setenv("MIRJAX_DATA_DIR", str(file.parent))
    cache = str(tmp_path / "cache")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: cache)
    return file


def test_a_species_is_cut_from_all_as_it_stands(all_species):
    text = mirbase.cut_species(all_species, "mmu")
    first, last = (ALL.index(f">{name}") for name in ("mmu-let", "mmu-miR"))
    assert text == ALL[first : ALL.index(">mmul")] + ALL[last:]
    records = registry.load_fasta("mirbase/mmu")
    assert [r.name for r in records] == ["mmu-let-7g-5p", "mmu-miR-1a-3p"]
    assert records[0].sequence == "UGAGGUAGUAGUUUG"
    file = registry.fasta_path("mirbase/mmu")
    assert file.read_text() == text
    file.write_text("damaged")
    assert registry.fasta_path("mirbase/mmu").read_text() == text


@pytest.mark.parametrize(
    ("species", "nearest"),
    [
        ("mus", r"mirbase/mmu \(Mus musculus\)"),
        ("Mus_musculus", r"mirbase/mmu \(Mus musculus\)"),
        ("mull", r"mirbase/mmul \(Macaca mulatta\)"),
        ("mmu-let", "mirbase/mmu"),
        ("../all", "miRBase has no species"),
        ("cel-", "mirbase/cel"),
    ],
)
def test_an_unknown_species_names_the_nearest(all_species, species, nearest):
    for call in (registry.fasta_path, registry.load_fasta):
        with pytest.raises(ValueError, match=f"mirbase/{species}: .*{nearest}"):
            call(f"mirbase/{species}")


def test_a_species_is_no_dataset_of_pairs(all_species):
    for call in (registry.load_pairs, registry.path):
        with pytest.raises(ValueError, match="'mirbase/mmu' is fasta, not pairs"):
            call("mirbase/mmu")


def test_a_cache_that_cannot_be_written_names_the_variables(all_species, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: all_species)
    for name in ("simulated", "mirbase/mmu"):
        with pytest.raises(OSError, match="XDG_CACHE_HOME.*MIRJAX_DATA_DIR"):
            registry.fasta_path(name)


def test_the_real_file_has_every_species(data_dir, monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: tmp_path)
    assert len(registry.load_fasta("mirbase/mmu")) == 1_978
    with pytest.raises(ValueError, match=r"mirbase/mmu \(Mus musculus\)"):
        registry.load_fasta("mirbase/mus")
