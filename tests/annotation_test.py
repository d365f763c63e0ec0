"""Tests of 3'UTRs of an annotated genome, and of the intervals of a BED file."""

import gzip
import os
import random
import threading

import pytest

from mirjax.datasets import annotation, genome
from mirjax.sequences.bad_records import SKIP, BadRecords

DRAW = random.Random(5)
CHROMOSOMES = {name: "".join(DRAW.choices("ACGT", k=300)) for name in ("chr1", "chr2")}
PAIRED = str.maketrans("ACGTN", "TGCAN")


def spliced(chromosome, intervals, strand="+"):
    """Splice intervals from 1, the end included, as the annotation has them."""
    joined = "".join(CHROMOSOMES[chromosome][a - 1 : b] for a, b in intervals)
    joined = joined if strand == "+" else joined.translate(PAIRED)[::-1]
    return joined.replace("T", "U")


def gtf(chromosome, kind, start, end, strand, gene, transcript, more=""):
    attributes = f'gene_id "{gene}"; transcript_id "{transcript}"; {more}'
    cells = [chromosome, "x", kind, start, end, ".", strand, ".", attributes]
    return "\t".join(map(str, cells)) + "\n"


def gff(chromosome, kind, start, end, strand, attributes):
    cells = [chromosome, "x", kind, start, end, ".", strand, ".", attributes]
    return "\t".join(map(str, cells)) + "\n"


# As Ensembl and GENCODE write them: the stop codon is no part of the CDS.
GTF = "#!genome-build X\n" + "".join(
    [
        gtf("chr1", "exon", 11, 40, "+", "G1", "T1", 'gene_name "PLUS";'),
        gtf("chr1", "exon", 61, 90, "+", "G1", "T1", 'gene_name "PLUS";'),
        gtf("chr1", "exon", 111, 160, "+", "G1", "T1", 'gene_name "PLUS";'),
        gtf("chr1", "CDS", 21, 40, "+", "G1", "T1"),
        gtf("chr1", "CDS", 61, 77, "+", "G1", "T1"),
        gtf("chr1", "stop_codon", 78, 80, "+", "G1", "T1", 'gene_name "PLUS";'),
        gtf("chr1", "exon", 200, 260, "-", "G2", "T2", 'gene_name "MINUS";'),
        gtf("chr1", "exon", 270, 290, "-", "G2", "T2", 'gene_name "MINUS";'),
        gtf("chr1", "CDS", 280, 288, "-", "G2", "T2", 'gene_name "MINUS";'),
        gtf("chr1", "stop_codon", 277, 279, "-", "G2", "T2", 'gene_name "MINUS";'),
        gtf("chr2", "exon", 5, 99, "+", "G3", "T3"),  # codes nothing
        gtf("chr2", "exon", 5, 99, "+", "G4", "T4"),
        gtf("chr2", "CDS", 5, 49, "+", "G4", "T4"),
        gtf("chr2", "exon", 5, 60, "+", "G4", "T5", 'tag "a"; tag "MANE_Select";'),
        gtf("chr2", "CDS", 5, 49, "+", "G4", "T5"),
    ]
)
# As Ensembl and NCBI write them: the stop codon belongs to the CDS.
GFF = "##gff-version 3\n" + "".join(
    [
        gff("chr1", "gene", 11, 160, "+", "ID=gene:G1;Name=PL%2CUS"),
        gff("chr1", "mRNA", 11, 160, "+", "ID=transcript:T1;Parent=gene:G1"),
        gff("chr1", "exon", 11, 40, "+", "Parent=transcript:T1"),
        gff("chr1", "exon", 61, 90, "+", "Parent=transcript:T1"),
        gff("chr1", "exon", 111, 160, "+", "Parent=transcript:T1"),
        gff("chr1", "CDS", 21, 40, "+", "ID=C1;Parent=transcript:T1"),
        gff("chr1", "CDS", 61, 80, "+", "ID=C1;Parent=transcript:T1"),
        "###\n",
        gff("chr1", "gene", 200, 290, "-", "ID=gene:G2;Name=MINUS"),
        gff("chr1", "mRNA", 200, 290, "-", "ID=transcript:T2;Parent=gene:G2"),
        gff("chr1", "three_prime_UTR", 200, 260, "-", "Parent=transcript:T2"),
        gff("chr1", "three_prime_UTR", 270, 276, "-", "Parent=transcript:T2"),
        "##FASTA\n>chr1\nACGT\n",
    ]
)
PLUS = spliced("chr1", [(81, 90), (111, 160)])
MINUS = spliced("chr1", [(200, 260), (270, 276)], "-")
LONG, CANONICAL = spliced("chr2", [(50, 99)]), spliced("chr2", [(50, 60)])


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "genome.fa"
    with path.open("w") as stream:
        for name, letters in CHROMOSOMES.items():
            lines = "\n".join(letters[n : n + 60] for n in range(0, 300, 60))
            print(f">{name} dna:chromosome\n{lines}", file=stream)
    return path


def read(fasta, text, name="genes.gtf", **options):
    path = fasta.with_name(name)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    records = annotation.read_annotated_utrs(fasta, path, **options)
    return {record.name: record.sequence for record in records}


@pytest.mark.parametrize("name", ["genes.gtf", "genes.gtf.gz"])
def test_a_gtf(fasta, name):
    assert read(fasta, GTF, name) == {
        "PLUS|T1": PLUS,
        "MINUS|T2": MINUS,
        "G4|T5": CANONICAL,
    }


def test_all_transcripts_of_a_gene(fasta):
    found = read(fasta, GTF, all_transcripts=True)
    assert list(found) == ["PLUS|T1", "MINUS|T2", "G4|T4", "G4|T5"]
    assert found["G4|T4"] == LONG


def test_without_a_mark_the_longest_utr_is_taken(fasta):
    found = read(fasta, GTF.replace("MANE_Select", "basic"))
    assert found["G4|T4"] == LONG


def test_a_gff3_with_coding_sequences_and_with_utrs(fasta):
    expected = {"PL,US|T1": PLUS, "MINUS|T2": MINUS}
    assert read(fasta, GFF, "genes.gff3") == expected


def test_lines_sorted_by_position(fasta):
    """Those of several genes lie between each other then."""
    lines = GTF.splitlines(keepends=True)[1:]
    lines.sort(key=lambda line: (line.split("\t")[0], int(line.split("\t")[3])))
    assert read(fasta, "".join(lines)) == read(fasta, GTF)


def test_windows_line_ends(fasta):
    assert read(fasta, GTF.replace("\n", "\r\n")) == read(fasta, GTF)


def test_chromosomes_that_the_genome_lacks_are_named(fasta):
    words = "2 of 3 records give no .*PLUS.T1: .*genome.fa has no 1, but chr1, chr2; MI"
    with pytest.raises(ValueError, match=words):
        read(fasta, GTF.replace("chr1", "1"))


def test_a_chromosome_in_two_places_is_refused(fasta):
    first = GTF.splitlines(keepends=True)[1]
    with pytest.raises(ValueError, match="lines of chr1 are not together; sort"):
        read(fasta, GTF + first)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chr1 exon 1 2\n", "line 2: 1 columns, not 9"),
        (gff("chr1", "exon", "x", 2, "+", "ID=a"), "line 2: invalid literal"),
        (gff("chr1", "exon", 9, 2, "+", "ID=a"), "line 2: from 9 to 2 .of a."),
        (gtf("chr1", "exon", 1, 2, "+", "G", "T")[:-4], "line 2: a quote that is not"),
    ],
)
def test_a_wrong_line_is_named(fasta, line, words):
    with pytest.raises(ValueError, match=words):
        read(fasta, "# x\n" + line)


def test_an_annotation_of_another_assembly(fasta):
    with pytest.raises(ValueError, match=r"T1: ends at 99,160, but chr1 .* has 300 nt"):
        read(fasta, GTF.replace("\t160\t", "\t99160\t"))


def test_an_annotation_without_utrs(fasta):
    with pytest.raises(ValueError, match="no transcript has a 3'UTR"):
        read(fasta, GTF.replace("CDS", "other").replace("stop_codon", "other"))


def test_a_compressed_genome_is_refused(fasta):
    fasta.write_bytes(gzip.compress(fasta.read_bytes()))
    with pytest.raises(ValueError, match="must not be compressed.*gunzip"):
        read(fasta, GTF)


WRONG = "".join(
    [
        gtf("chr1", "exon", 9, 2, "+", "G1", "T1", 'gene_name "PLUS";'),
        gff("chr1", "gene", "x", 2, "+", 'gene_id "G7";'),  # of no transcript
        gtf("chr1", "exon", 1, 70, "+", "G5", "T6"),
        gtf("chr1", "CDS", 1, 9000, "+", "G5", "T6"),
        gtf("chr1", "exon", 9000, 9100, "+", "G5", "T6"),
    ]
)


def test_wrong_lines_and_their_transcripts_are_left_out_on_demand(fasta):
    """Without one of its lines, a transcript would have another 3'UTR."""
    bad = BadRecords(SKIP)
    found = read(fasta, WRONG + GTF, bad_records=bad)
    assert found == {"MINUS|T2": MINUS, "G4|T5": CANONICAL}
    assert [(each.record, each.reason.split(" (")[0]) for each in bad.skipped] == [
        ("line 1", "from 9 to 2"),
        ("line 2", "invalid literal for int() with base 10: 'x'"),
        ("G5|T6", f"ends at 9,100, but chr1 in {fasta} has 300 nt"),
    ]
    with pytest.raises(ValueError, match="3 of 5 records give no .*line 1: .*T6: ends"):
        read(fasta, WRONG + GTF)


@pytest.mark.parametrize("line", ["chr1 exon 1 2\n", "chr1\tx\texon\t11\t4"])
def test_a_line_of_an_unknown_transcript_is_always_refused(fasta, line):
    words = (
        "1 of 4 records are lines that do not say of which tra.*: line 17: . columns"
    )
    with pytest.raises(ValueError, match=words):
        read(fasta, GTF + line, bad_records=BadRecords(SKIP))


def read_bed(fasta, text, bad_records=None):
    path = fasta.with_name("x.bed")
    path.write_text(text)
    records = genome.read_bed(fasta, path, bad_records)
    return {record.name: record.sequence for record in records}


def test_the_intervals_of_a_bed_file(fasta):
    text = (
        "track name=x\n"
        "chr2\t10\t30\n"
        "chr1\t10\t30\tminus\t0\t-\r\n"
        "chr1\t10\t160\tspliced\t0\t-\t0\t0\t0\t2\t30,50,\t0,100,\n"
    )
    assert read_bed(fasta, text) == {
        "chr2:10-30": spliced("chr2", [(11, 30)]),
        "minus": spliced("chr1", [(11, 30)], "-"),
        "spliced": spliced("chr1", [(11, 40), (111, 160)], "-"),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chr1\t5\n", "1 of 1 lines give no .*: line 1: 2 columns, not 3 to 12"),
        ("chr1\t9\t5\n", "interval 9 to 5"),
        ("chr1\t5\t999\n", "ends at 999, but chr1"),
        ("chrZ\t5\t9\n", "genome.fa has no chrZ, but chr1, chr2"),
        ("chr1\t5\t9\ta\nchr1\t7\t9\ta\n", "line 2: a second record of that name"),
        ("#\n", "has no intervals"),
    ],
)
def test_a_wrong_bed_file(fasta, text, words):
    with pytest.raises(ValueError, match=words):
        read_bed(fasta, text)


def test_all_wrong_lines_of_a_bed_file_are_reported_or_left_out(fasta):
    wrong = "".join(f"chr1\t{n}\t1\n" for n in range(2, 14))
    text = f"chr1\t5\t9\ta\n{wrong}chrZ\t5\t9\nchr1\t5\t9\ta b\nchr2\t5\t9\ta\n"
    with pytest.raises(ValueError, match="15 of 16 lines .* line 11: .* and 5 more"):
        read_bed(fasta, text)
    bad = BadRecords(SKIP)
    found = read_bed(fasta, text, bad)
    assert found == {"a": spliced("chr1", [(6, 9)])}
    assert [each.record for each in bad.skipped] == [f"line {n}" for n in range(2, 17)]
    with pytest.raises(ValueError, match="none is left"):
        read_bed(fasta, wrong, bad)


@pytest.mark.parametrize("name", ["pipe.bed", "pipe.gtf"])
def test_regions_of_a_pipe_are_read_once(fasta, name):
    pipe, is_bed = fasta.with_name(name), name.endswith("bed")
    os.mkfifo(pipe)
    text = "chr1\t5\t9\ta\n" if is_bed else GTF
    writer = threading.Thread(target=pipe.write_text, args=(text,), daemon=True)
    writer.start()
    read_regions = genome.read_bed if is_bed else annotation.read_annotated_utrs
    assert len(list(read_regions(fasta, pipe))) == (1 if is_bed else 3)
    writer.join(timeout=20)


def test_a_genome_of_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "genome.fa")
    for path in (tmp_path / "genome.fa", "-"):
        with pytest.raises(ValueError, match="give a file, not a pipe"):
            genome.Genome(path)


def test_one_chromosome_is_in_memory_and_read_once(fasta, monkeypatch):
    reads = []
    original = genome.SeqIO.index

    class Index:
        def __init__(self, *arguments):
            self.index = original(*arguments)

        def __getitem__(self, name):
            reads.append(name)
            return self.index[name]

        def __contains__(self, name):
            return name in self.index

        def __len__(self):
            return len(self.index)

        def close(self):
            self.index.close()

    monkeypatch.setattr(genome.SeqIO, "index", Index)
    read(fasta, GTF, all_transcripts=True)
    assert reads == ["chr1", "chr2"]


def test_a_damaged_gzip_file_is_named(fasta):
    lines = (f"chr1\t{start}\t{start + 9}\n" for start in range(200))
    data = gzip.compress("".join(lines).encode())
    path = fasta.with_name("x.bed.gz")
    for position in range(10, len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="x.bed.gz: "):
            list(genome.read_bed(fasta, path))


def test_a_genome_or_annotation_in_another_encoding_is_named(fasta):
    path = fasta.with_name("genes.gtf")
    path.write_text(GTF, encoding="utf-16")
    with pytest.raises(ValueError, match="genes.gtf: the text is UTF-16, not UTF-8"):
        list(annotation.read_annotated_utrs(fasta, path))
    path.write_text(GTF.replace("PLUS", "PL\u00dcS"), encoding="latin-1")
    with pytest.raises(ValueError, match="genes.gtf: line 2: the text is Latin-1"):
        list(annotation.read_annotated_utrs(fasta, path))
    fasta.write_text(fasta.read_text(), encoding="utf-16")
    with pytest.raises(ValueError, match="genome.fa: the text is UTF-16, not UTF-8"):
        genome.Genome(fasta)


def test_two_chromosomes_of_one_name_are_refused(fasta):
    fasta.write_text(fasta.read_text() * 2)
    with pytest.raises(ValueError, match="genome.fa: two sequences have one name"):
        genome.Genome(fasta)
