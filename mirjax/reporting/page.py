"""Self-contained HTML pages: text, tables, pictures and commands in one file.

A page needs no network; its only script sorts and filters tables. It follows the
reader's light or dark theme, fits phones and paper, and gives every picture a text
alternative.
"""

import base64
import dataclasses
import functools
import hashlib
import io
import pathlib
import re
from collections.abc import Sequence
from typing import TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from matplotlib import rc_context
from matplotlib.figure import Figure

from mirjax.files import atomic_write
from mirjax.reporting import drawing

# Colours of a picture → variables of the page's style, which has two themes.
_THEMED = {
    "#000000": "var(--ink)",
    "#ffffff": "var(--paper)",
    drawing.BLUE: "var(--blue)",
    drawing.ORANGE: "var(--orange)",
    drawing.GREEN: "var(--green)",
    drawing.GREY: "var(--grey)",
    "#ebebeb": "var(--grid)",
    "#e0e0e0": "var(--grid)",
}


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes:
      text: plain text; `backquotes` mark code.
      role: "plain", "finding" (a result), "caution" (a limitation) or "reported" (a
        value from a publication).
    """

    text: str
    role: str = "plain"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; a wide one scrolls inside the page.

    Attributes:
      columns: headings; the first column names the row.
      rows: cells as they are shown, as many as there are columns.
      caption: description of the table.
      baselines: numbers of the rows that need no model; they are set in italics.
      sorts: whether a reader can sort it by a column, and filter its rows.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    baselines: Sequence[int] = ()
    sorts: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"row {row} has not {len(self.columns)} cells")


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
      svg: from `draw`.
      alt: text alternative, a description of the picture.
      caption: below it.
    """

    svg: str
    alt: str
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError("a picture needs a text alternative")


@dataclasses.dataclass(frozen=True)
class Preformatted:
    """Text in a fixed-width font: a command, or the drawing of a duplex.

    Attributes:
      text: the lines.
      label: description of the lines.
      folded: hidden until the reader opens them.
    """

    text: str
    label: str
    folded: bool = False


Block: TypeAlias = Text | Table | Picture | Preformatted


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
      title: its heading, also listed at the top of the page.
      blocks: its content, in order.
    """

    title: str
    blocks: Sequence[Block]


def write_page(
    path: pathlib.Path, title: str, subtitle: str, sections: Sequence[Section]
) -> None:
    """Write a page; it appears whole or not at all.

    Args:
      path: the file; an existing one is replaced.
      title: the page's name.
      subtitle: a sentence below it.
      sections: at least one; the first is the summary.
    """
    kinds = {Text: "text", Table: "table", Picture: "picture", Preformatted: "pre"}
    content = [
        {
            "id": f"part-{number}",
            "title": section.title,
            "blocks": [(kinds[type(block)], block) for block in section.blocks],
        }
        for number, section in enumerate(sections, 1)
    ]
    tables = [b for s in sections for b in s.blocks if isinstance(b, Table)]
    script = _script() if any(table.sorts for table in tables) else ""
    # The page allows only the script with this SHA-256.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = environment().get_template("page.html.j2")
    page = template.render(
        title=title,
        subtitle=subtitle,
        sections=content,
        script=script,
        script_sha256=digest,
    )
    with atomic_write(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")


def draw(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element in the page's own colours and fonts.

    Args:
      figure: its text stays text.
      name: distinguishes the element's ids from those of the page's other pictures.
    """
    figure.patch.set_alpha(0.0)
    for axes in figure.axes:
        axes.patch.set_alpha(0.0)
    stream = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = _with_prefixed_ids(svg, name)
    # Text and marks without a colour of their own are black.
    svg = re.sub(r"<text ", '<text fill="var(--ink)" ', svg)
    for color, variable in _THEMED.items():
        svg = svg.replace(color, variable)
    size = re.search(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    if size is None:
        raise ValueError(f"picture {name}: matplotlib wrote an SVG without a size")
    return svg.replace(
        f'width="{size[1]}pt" height="{size[2]}pt"', f'style="--width: {size[1]}pt"', 1
    )


def _with_prefixed_ids(svg: str, name: str) -> str:
    """Put a name before every id of an SVG, and before each reference to one."""
    prefix = re.sub(r"\W+", "-", name)
    for pattern in (r'(\bid=")', r'(xlink:href="#)', r"(url\(#)"):
        svg = re.sub(pattern, rf"\g<1>{prefix}-", svg)
    return svg


@functools.cache
def environment() -> Environment:
    """Return the environment of the templates; inserted text is escaped."""
    found = Environment(
        loader=PackageLoader("mirjax.reporting", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["code_spans"] = _code_spans
    return found


def _script() -> str:
    """Return the script of tables that sort."""
    loader = environment().loader
    assert loader is not None
    return loader.get_source(environment(), "sorting.js")[0]


def _code_spans(text: str) -> list[tuple[bool, str]]:
    """Split a paragraph at its backquotes: (whether it is code, text)."""
    return [(number % 2 == 1, part) for number, part in enumerate(text.split("`"))]
