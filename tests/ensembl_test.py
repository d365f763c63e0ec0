"""Tests of 3'UTRs by gene, against a server that has Ensembl's format."""

import http.server
import json
import random
import threading
import time
import urllib.parse

import pytest

from mirjax.datasets import ensembl, rest
from mirjax.sequences.records import SequenceRecord

DRAW = random.Random(3)


def letters(length):
    return "".join(DRAW.choices("ACGT", k=length))


# Two genes on a chromosome of 300 nt, one on each strand, and one that codes nothing.
CHROMOSOME = letters(300)
PAIRED = str.maketrans("ACGT", "TGCA")
EXONS = [(11, 40), (61, 90), (111, 160)]


def spliced(exons, strand):
    joined = "".join(CHROMOSOME[start - 1 : end] for start, end in exons)
    return joined if strand == 1 else joined.translate(PAIRED)[::-1]


def exon_objects(strand):
    objects = [
        {"object_type": "Exon", "id": f"ENSE{n}", "start": a, "end": b}
        for n, (a, b) in enumerate(EXONS)
    ]
    return objects[::strand]  # in the order of the transcript


def gene(symbol, number, strand, translation):
    transcript = {
        "object_type": "Transcript",
        "id": f"ENST0000000000{number}",
        "version": 4,
        "display_name": f"{symbol}-201",
        "biotype": "protein_coding" if translation else "lncRNA",
        "is_canonical": 1,
        "strand": strand,
        "Exon": exon_objects(strand),
    }
    if translation:
        first, last = translation
        transcript["Translation"] = {"id": "ENSP1", "start": first, "end": last}
    other = {**transcript, "id": "ENST00000000099", "is_canonical": 0, "Exon": []}
    return {
        "object_type": "Gene",
        "id": f"ENSG0000000000{number}",
        "display_name": symbol,
        "strand": strand,
        "Transcript": [other, transcript],
    }


GENES = {
    "PLUS": gene("PLUS", 1, 1, (21, 80)),  # 3'UTR: 81-90, 111-160
    "MINUS": gene("MINUS", 2, -1, (71, 150)),  # 3'UTR: 70-61, 40-11
    "SILENT": gene("SILENT", 3, 1, None),
    "SHORT": gene("SHORT", 4, 1, (21, 160)),
}
PLUS_UTR = spliced([(81, 90), (111, 160)], 1).replace("T", "U")
MINUS_UTR = spliced([(11, 40), (61, 70)], -1).replace("T", "U")


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as Ensembl does; `server.failures` come first."""

    def do_GET(self):
        self.server.requests.append(self.path)
        if self.server.failures:
            status, headers, body = self.server.failures.pop(0)
            self.answer(status, body, headers)
            return
        path, _, query = self.path.partition("?")
        parts, given = path.split("/")[1:], urllib.parse.parse_qs(query)
        if parts[:2] == ["lookup", "symbol"] and parts[3] in GENES:
            assert parts[2] == "homo_sapiens" and given == {"expand": ["1"]}
            self.answer(200, GENES[parts[3]])
        elif parts[:2] == ["lookup", "id"]:
            both = [g for g in GENES.values() if g["id"] == parts[2]]
            both += [
                t
                for g in GENES.values()
                for t in g["Transcript"]
                if t["id"] == parts[2]
            ]
            self.answer(200, both[0])
        elif parts[:2] == ["sequence", "id"]:
            assert given == {"type": ["cdna"]}
            strand = -1 if parts[2].endswith("2") else 1
            self.answer(200, {"id": parts[2], "seq": spliced(EXONS, strand)})
        else:
            error = f"No valid lookup found for symbol {parts[-1]}"
            self.answer(400, {"error": error})

    def answer(self, status, body, headers=()):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests, running.failures = [], []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def client(server, tmp_path, monkeypatch):
    monkeypatch.setattr(rest, "_FIRST_WAIT", 0.01)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    return rest.RestClient(address, tmp_path / "cache", interval=0.0)


def read(genes, client):
    return list(ensembl.read_utrs(genes, client=client))


def test_utrs_are_spliced_on_both_strands(client):
    assert read(["MINUS", "PLUS"], client) == [
        SequenceRecord("MINUS|ENST00000000002.4", MINUS_UTR),
        SequenceRecord("PLUS|ENST00000000001.4", PLUS_UTR),
    ]


def test_stable_identifiers(client):
    found = read(["ENSG00000000001", "ENST00000000002.4"], client)
    assert [record.sequence for record in found] == [PLUS_UTR, MINUS_UTR]
    assert found[1].name == "MINUS-201|ENST00000000002.4"


def test_sequences_are_read_one_by_one(client, server):
    records = ensembl.read_utrs(["PLUS", "MINUS"], client=client)
    assert [path.split("/")[1] for path in server.requests] == ["lookup"] * 2
    next(records)
    assert len(server.requests) == 3


def test_all_genes_without_a_utr_are_named_at_once(client):
    with pytest.raises(ValueError, match="3 of 4 genes have no 3'UTR") as caught:
        read(["SILENT", "PLUS", "TYPO9", "SHORT"], client)
    for words in (
        "SILENT (ENST00000000003 is not translated: lncRNA)",
        "TYPO9 (400: No valid lookup found for symbol TYPO9)",
        "SHORT (ENST00000000004 ends with its stop codon)",
    ):
        assert words in str(caught.value)


def test_answers_are_kept(client, server):
    first = read(["PLUS"], client)
    assert len(server.requests) == 2
    assert read(["PLUS"], client) == first
    assert len(server.requests) == 2


def test_old_and_damaged_answers_are_asked_again(client, server, monkeypatch, caplog):
    first = read(["PLUS"], client)
    for path in client.folder.iterdir():
        path.write_text(path.read_text()[:-5])
    assert read(["PLUS"], client) == first
    assert "is damaged" in caplog.text and len(server.requests) == 4
    monkeypatch.setattr(rest, "KEPT_SECONDS", -1)
    assert read(["PLUS"], client) == first
    assert len(server.requests) == 6


def test_a_flipped_bit_in_a_kept_answer_is_not_read(client, server, caplog):
    first = read(["PLUS"], client)
    kept = {path: path.read_bytes() for path in client.folder.iterdir()}
    for path, data in kept.items():
        for position in range(0, len(data), 5):
            damaged = bytearray(data)
            damaged[position] ^= 1 << position % 8
            path.write_bytes(damaged)
            assert read(["PLUS"], client) == first
        path.write_bytes(data)
    assert "is damaged (the SHA-256 does not fit): asked again" in caplog.text


def test_an_answer_kept_without_a_hash_is_asked_again(client, server):
    first = read(["PLUS"], client)
    for path in client.folder.iterdir():
        content = json.loads(path.read_text())
        del content["sha256"]
        path.write_text(json.dumps(content))
    assert read(["PLUS"], client) == first
    assert len(server.requests) == 4


def test_a_busy_service_is_asked_again_when_it_says(client, server):
    server.failures = [
        (429, [("Retry-After", "0.3")], {"error": "too many"}),
        (503, [], b"<html>"),
    ]
    before = time.monotonic()
    assert len(read(["PLUS"], client)) == 1
    assert time.monotonic() - before >= 0.3
    assert len(server.requests) == 4


def test_a_service_that_stays_busy_is_one_line(client, server):
    server.failures = [(503, [], {"error": "down\nfor repair"})] * 9
    with pytest.raises(ValueError, match=r"no answer \(503: down for repair\); try"):
        read(["PLUS"], client)
    assert len(server.requests) == 6


def test_a_service_that_asks_to_wait_long_is_not_waited_for(client, server):
    server.failures = [(429, [("Retry-After", "3600")], {"error": "too many"})]
    with pytest.raises(ValueError, match="no answer"):
        read(["PLUS"], client)


def test_no_service_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(rest, "_FIRST_WAIT", 0.001)
    client = rest.RestClient("http://127.0.0.1:9", tmp_path, interval=0.0)
    with pytest.raises(ValueError, match="no answer .*refused.*FASTA"):
        read(["PLUS"], client)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "not JSON"),
        ({"object_type": "Gene"}, "unexpected form"),
        ([], "unexpected form"),
    ],
)
def test_answers_of_another_form_are_one_line(client, server, body, words):
    server.failures = [(200, [], body)]
    with pytest.raises(ValueError, match=words):
        read(["PLUS"], client)


def test_a_sequence_of_another_release_is_refused(client, server):
    records = ensembl.read_utrs(["PLUS"], client=client)
    server.failures = [(200, [], {"seq": "ACGT"})]
    with pytest.raises(ValueError, match="4 nt, but the exons .* have 110"):
        next(records)


def test_an_answer_that_is_too_long_is_not_read(client, server, monkeypatch):
    monkeypatch.setattr(rest, "MAX_BYTES", 1 << 20)
    server.failures = [(200, [], b" " * (2 << 20))]
    with pytest.raises(ValueError, match="more than 1 MiB"):
        read(["PLUS"], client)


def test_requests_are_spaced_out(server, client):
    client.interval = 0.1
    before = time.monotonic()
    read(["PLUS", "MINUS"], client)
    assert time.monotonic() - before >= 0.3


def test_genes_of_a_flag_and_of_a_file(tmp_path, caplog):
    assert ensembl.parse_genes("ensembl:TP53, MYC,TP53,") == ["TP53", "MYC"]
    assert "1 genes are named twice" in caplog.text
    path = tmp_path / "genes.txt"
    path.write_text("# mine\r\nTP53\r\n\r\nMYC # oncogene\r\n")
    assert ensembl.read_gene_list(path) == ["TP53", "MYC"]


@pytest.mark.parametrize("text", ["ensembl:", "ensembl:a/../b", "ensembl:TP53 MYC"])
def test_what_names_no_gene(text):
    with pytest.raises(ValueError, match=r"^--targets=ensembl:.*(no gene)"):
        ensembl.parse_genes(text)
