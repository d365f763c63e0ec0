"""Tests of HTML pages, read by a parser and shown by a browser."""

import re
import xml.etree.ElementTree

import pytest
from browsers import Reader, assert_contrast, find_browser, measure, show

from mirjax.reporting import drawing, page


def figure():
    figure = drawing.new_figure(9.0, 3.0, "Loss & accuracy")
    for axes in figure.subplots(1, 2):
        axes.plot([0, 1, 2], [1, 3, 2], color=drawing.BLUE, label="model")
        axes.plot([0, 1, 2], [2, 1, 2], color=drawing.ORANGE, label="baseline")
        drawing.panel(axes, "Panel", "%")
    return figure


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A page with every kind of block, some of them wide."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    wide = [f"column {number}" for number in range(12)]
    sections = [
        page.Section(
            "Summary",
            [
                page.Text("Found <script>alert(1)</script> by `a & b`.", "finding"),
                page.Text("x" * 300, "caution"),
                page.Text("72%", "reported"),
            ],
        ),
        page.Section(
            "Hits & <misses>",
            [
                page.Table(wide, [["model", *["12.3%"] * 11]] * 2, "All hits", [1]),
                page.Picture(page.draw(figure(), "first"), "Two panels", "Both rise"),
                page.Picture(page.draw(figure(), "second"), "Two more panels"),
                page.Preformatted("python -m mirjax.study " + "--x " * 90, "Repeat"),
                page.Preformatted("--y " * 90, "Stages", folded=True),
            ],
        ),
    ]
    page.write_page(path, "A study", "Of `pairs`", sections)
    return path


def test_what_is_filled_in_is_text_and_not_markup(written):
    read = Reader(written)
    assert not [tag for tag, _ in read.tags if tag == "script"]
    assert "<script>alert(1)</script>" in read.text["p"]
    assert "Hits & <misses>" in read.text["h2"]
    assert "a & b" in read.text["code"]


def test_a_page_loads_nothing_from_elsewhere(written):
    for tag, attributes in Reader(written).tags:
        for name in ("src", "href", "xlink:href", "action"):
            address = attributes.get(name, "#")
            assert address.startswith(("#", "data:")), (tag, address)
    assert not re.search(r"@import|url\((?!#)", written.read_text())


def test_every_picture_has_a_text_in_its_place(written):
    pictures = [a for _, a in Reader(written).tags if a.get("role") == "img"]
    assert [a["aria-label"] for a in pictures] == ["Two panels", "Two more panels"]
    with pytest.raises(ValueError, match="text alternative"):
        page.Picture("<svg></svg>", " ")


def test_folded_lines_are_shown_when_the_reader_asks(written):
    read = Reader(written)
    assert "Stages" in read.text["summary"]
    assert read.text["details"].count("--y") == 90
    assert "open" not in dict(next(a for t, a in read.tags if t == "details"))


def test_ids_are_unique_and_references_find_them(written):
    tags = Reader(written).tags
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    content = written.read_text()
    references = re.findall(r'(?:href="#|url\(#)([^")]+)', content)
    assert len(references) > 20
    assert set(references) <= set(ids)


def test_pictures_take_the_pages_colours_and_their_text_stays_text():
    svg = page.draw(figure(), "one")
    root = xml.etree.ElementTree.fromstring(svg)
    texts = {"".join(e.itertext()).strip() for e in root.iter() if "text" in e.tag}
    assert {"Loss & accuracy", "model", "baseline", "%"} <= texts
    assert "var(--blue)" in svg
    assert "var(--ink)" in svg
    assert not re.findall(r"#[0-9a-f]{6}\b", svg)


def test_equal_figures_give_equal_pictures():
    assert page.draw(figure(), "one") == page.draw(figure(), "one")


def test_a_row_without_all_cells_is_refused():
    with pytest.raises(ValueError, match="not 2 cells"):
        page.Table(["name", "value"], [["model"]], "Values")


def test_the_contrast_is_sufficient_in_both_themes(written):
    assert_contrast(written.read_text())


@pytest.fixture(scope="module")
def browser():
    return find_browser()


@pytest.mark.slow
def test_the_console_stays_empty(browser, written):
    document, messages = show(browser, written)
    assert "<h1>A study</h1>" in document
    assert messages == []


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_wider_than_the_screen(browser, written, tmp_path, width):
    found = measure(browser, written, tmp_path, width)
    assert found["width"] == width
    assert found["content"] <= width
    assert found["right"] <= width


@pytest.mark.slow
def test_the_reader_chooses_the_theme(browser, written, tmp_path):
    light, dark = (
        measure(browser, written, tmp_path, 600, f"--blink-settings={setting}")
        for setting in ("preferredColorScheme=1", "preferredColorScheme=0")
    )
    assert light["text"] == "rgb(27, 31, 36)"
    assert dark["text"] == "rgb(232, 234, 237)"
