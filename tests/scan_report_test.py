"""Tests of the report of a scan, read by a parser and shown by a browser."""

import re
import xml.etree.ElementTree

import pyarrow as pa
import pytest
from browsers import Reader, find_browser, measure, show

from mirjax.reporting import scan_tracks
from mirjax.reporting.scan_report import ScanReport, open_report
from mirjax.reporting.scan_summary import Limits
from mirjax.scanning.site_types import SITE_TYPES

SITES = {
    "mirna": ["hsa-miR-21-5p", "hsa-let-7a-5p", "hsa-miR-21-5p", "<b>miR</b>"],
    "target": ["PDCD4", "PDCD4", "PDCD4", "HMGA2 & co"],
    "start": [228, 10, 700, 5],
    "end": [250, 32, 722, 27],
    "score": [0.97, 0.51, 0.62, 0.88],
    "pvalue": [1e-6, 2e-3, 4e-4, None],
    "site_type": ["8mer", "other", "7mer-A1", "6mer"],
    "duplex": ["(((((((&)))))))", "", "((((&))))", "(((&)))"],
}


def write(path, table=None, **options):
    report = ScanReport(
        "python -m mirjax.scan --targets=utrs.fa --out=sites.tsv",
        {"model": "pretrained/duplex", "targets": "utrs.fa"},
        {"PDCD4": 1300},
        **options,
    )
    with open_report(path, report) as sink:
        for part in [pa.table(SITES)] if table is None else [table]:
            sink(part)
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("report") / "report.html")


def text_of(path):
    return re.sub(r"\s+", " ", " ".join(Reader(path).text["body"].split()))


def test_names_are_text_and_not_markup(written):
    read = Reader(written)
    assert not [tag for tag, _ in read.tags if tag == "b"]
    assert "<b>miR</b>" in read.text["td"] and "HMGA2 & co" in read.text["th"]


def test_the_only_script_is_the_one_that_the_page_allows(written):
    read = Reader(written)
    assert len([tag for tag, _ in read.tags if tag == "script"]) == 1
    rule = next(a["content"] for _, a in read.tags if "http-equiv" in a)
    assert "script-src 'sha256-" in rule and "default-src 'none'" in rule
    for tag, attributes in read.tags:
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:")), tag


def test_the_gene_table(written):
    found = text_of(written)
    assert "3 pairs" in found and "All 3 pairs, by summed score." in found
    row = re.search(r">PDCD4</th>(.*?hsa-miR-21-5p.*?)</tr>", written.read_text(), re.S)
    cells = re.findall("<td>(.*?)</td>", row[1])
    assert cells == ["hsa-miR-21-5p", *"210100", "0.97", "1.59"]


def test_duplexes_come_best_first_and_are_drawn(tmp_path):
    path = write(tmp_path / "a.html", draw=lambda row: f"5' {row['mirna']} 3'")
    labels = Reader(path).text["figcaption"]
    assert labels.index("8mer, score 0.97, p-value 1e-06") < labels.index("score 0.88")
    found = text_of(path)
    assert "5' hsa-miR-21-5p 3'" in found
    assert "(((((((&)))))))" in text_of(write(tmp_path / "b.html"))


def test_bars_lie_where_the_sites_lie():
    """Read back from the picture: place, height and colour of each site."""
    table = pa.table(SITES).slice(0, 3)
    tracks = scan_tracks.draw_tracks("PDCD4", table, 1300)
    root = xml.etree.ElementTree.fromstring(tracks.svg)
    bars = [bar for bar in root.iter() if bar.find("title") is not None]
    bars = [bar for bar in bars if bar.tag.endswith("rect")]
    rows = {row["start"]: row for row in table.to_pylist()}
    assert len(bars) == len(rows)
    scale = (720 - 150 - 12) / 1300
    for bar in bars:
        start = round((float(bar.get("x")) - 150) / scale)
        row = rows[min(rows, key=lambda key: abs(key - start))]
        assert abs(row["start"] - start) <= 1
        assert float(bar.get("height")) == pytest.approx(24 * row["score"], abs=0.06)
        assert bar.get("class") == f"site {row['site_type'].lower()}"
    texts = {"".join(e.itertext()).strip() for e in root.iter() if "text" in e.tag}
    assert {*SITE_TYPES, "1,200", "nt"} <= texts


def test_what_is_left_out_is_said(tmp_path):
    limits = Limits(targets=1, sites=2, genes=1, duplexes=1)
    found = text_of(write(tmp_path / "report.html", limits=limits))
    for words in (
        "The 1 transcripts of the highest summed score; 1 left out",
        "The 1 pairs of the highest summed score; 2 left out",
        "The 1 sites of the highest score; 3 left out",
        "1 weaker sites of PDCD4 are left out",
    ):
        assert words in found


def test_many_mirnas_do_not_make_a_picture_too_high():
    number = 40
    table = pa.table(
        {
            "mirna": [f"miR-{n}" for n in range(number)],
            "start": list(range(number)),
            "end": [n + 8 for n in range(number)],
            "score": [1 - n / 100 for n in range(number)],
            "site_type": ["8mer"] * number,
        }
    )
    tracks = scan_tracks.draw_tracks("x", table, None)
    assert "28 more miRNAs" in tracks.caption
    assert tracks.svg.count("<g>") == 12 and "miR-11" in tracks.svg


def test_a_scan_without_sites(tmp_path):
    found = text_of(write(tmp_path / "report.html", pa.table(SITES).slice(0, 0)))
    assert "No site passes." in found


# ---- A browser. ----


@pytest.fixture(scope="module")
def browser():
    return find_browser()


@pytest.mark.slow
def test_the_console_stays_empty_and_the_script_runs(browser, written):
    document, messages = show(browser, written)
    assert messages == []
    assert "3 of 3 rows" in document


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_wider_than_the_screen(browser, written, tmp_path, width):
    found = measure(browser, written, tmp_path, width)
    assert found["content"] <= width and found["right"] <= width


USE = """(() => {
  const table = document.querySelector("table[data-sorts]");
  const names = () => [...table.tBodies[0].rows].filter(row => !row.hidden)
    .map(row => row.cells[1].textContent);
  const buttons = table.querySelectorAll("button");
  const seen = [names()];
  buttons[1].click(); seen.push(names());
  buttons[8].click(); seen.push(names());
  buttons[8].click(); seen.push(names());
  const field = document.querySelector("input");
  field.value = "pdcd4 let"; field.dispatchEvent(new Event("input"));
  seen.push(names());
  return seen;
})()"""


def test_the_gene_table_sorts_and_filters(browser, written, tmp_path):
    found = measure(browser, written, tmp_path, 1280, expression=USE)
    mir21, let7, other = "hsa-miR-21-5p", "hsa-let-7a-5p", "<b>miR</b>"
    assert found == [
        [mir21, other, let7],
        [other, let7, mir21],
        [mir21, other, let7],
        [let7, other, mir21],
        [let7],
    ]
