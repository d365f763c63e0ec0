"""Render documentation pages with measured values from results/*.json.

    python scripts/render_docs.py             write the pages
    python scripts/render_docs.py --check     fail if a page is out of date

A template docs/templates/NAME.md.j2 becomes docs/NAME.md; README.md.j2 becomes the part
of README.md between its two markers. Templates hold the prose. Every measured value
comes from a result file, through these functions:

  values("NAME")                        single values of results/NAME.json, by name
  row("NAME", field="text")             the row of its metrics with that value
  rows("NAME", field="text")            all rows with that value
  table("NAME", "header=field:format")  its metrics as a table
  command("NAME")                       the commands that repeat the measurement

The published metrics of a benchmark, mirjax/data/benchmarks/NAME.json, are the metrics
of NAME.

Formats: %N is a percentage with N decimals, .N a number with N decimals, iN the same
with its interval (FIELD_interval). Without a format the value is unchanged. Two numbers
are a range, more are a list; l before a format makes two a list as well.
"""

import argparse
import json
import pathlib
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEMPLATE_SUFFIX = ".md.j2"
README = "README"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
_KEPT = ("|", "    ", "#", "!", "<", "```")  # lines that are not wrapped
_NOTICE = "<!-- Edit docs/templates/{}: scripts/render_docs.py writes this page. -->"


def load_results(folder: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Read every result file.

    Args:
      folder: holds NAME.json, one file for each experiment.

    Returns:
      Name → content.

    Raises:
      ValueError: if a file is not a JSON object.
    """
    results = {}
    for path in sorted(folder.glob("*.json")):
        try:
            results[path.stem] = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: not a JSON object ({error})") from error
    return results


def load_benchmarks(folder: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Read the published metrics of every benchmark, each as a result file.

    Args:
      folder: holds NAME.json, as `mirjax.evaluation.benchmarks` reads them.
    """
    benchmarks = {}
    for path in sorted(folder.glob("*.json")):
        releases = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            {"dataset": release["dataset"], **each, **each["metrics"]}
            for release in releases
            for each in release["published"]
        ]
        benchmarks[path.stem] = {"metrics": rows, "values": {}, "command": []}
    return benchmarks


def format_value(value: Any, style: str = "") -> str:
    """Format one value of a result.

    Args:
      value: a number, text, true or false, None, or a list of numbers.
      style: one of the module's formats, without an interval.

    Returns:
      The text; empty for None.

    Raises:
      ValueError: for an unknown style.
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    as_list = style.startswith("l")
    style = style.removeprefix("l")
    if isinstance(value, Sequence):
        joint = ", " if as_list or len(value) != 2 else " to "
        return joint.join(format_value(item, style) for item in value)
    match style[:1], style[1:]:
        case "%", decimals:
            return f"{100 * value:z.{decimals or 0}f}%"
        case ".", decimals:
            return f"{value:z,.{decimals}f}"  # z: -0.001 is 0.00
        case "", "":
            return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"
    raise ValueError(f"unknown format {style!r}")


def make_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Format rows as a Markdown table.

    Args:
      rows: field → value; a row may lack fields.
      columns: "header=field" or "header=field:format", one for each column.

    Returns:
      The table, without a final newline.

    Raises:
      ValueError: if no row has one of the fields.
    """
    headers, cells = [], [[] for _ in rows]
    rules = []
    for column in columns:
        header, _, source = column.rpartition("=")
        field, _, style = source.partition(":")
        if not any(field in row for row in rows):
            raise ValueError(f"no row has the field {field!r}")
        headers.append(header)
        text = all(isinstance(row.get(field, ""), str) for row in rows)
        rules.append("---" if text else "---:")
        for row, line in zip(rows, cells, strict=True):
            line.append(_cell(row, field, style))
    lines = [headers, rules, *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row: Mapping[str, Any], field: str, style: str) -> str:
    if not style.startswith("i"):
        return format_value(row.get(field), style).replace("|", "\\|")
    style = f".{style[1:]}"
    text = format_value(row.get(field), style)
    if interval := row.get(f"{field}_interval"):
        text += f" ({format_value(interval, style)})"
    return text


def wrap(text: str, width: int = 88) -> str:
    """Wrap the paragraphs and lists of Markdown after values are filled in."""
    blocks = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if any(line.startswith(_KEPT) for line in lines):
            blocks.append(block)
            continue
        items: list[list[str]] = []
        for line in lines:
            if not items or line.startswith("* "):
                items.append([])
            items[-1].append(line.strip())
        wrapped = []
        for item in items:
            indent = "  " if item[0].startswith("* ") else ""
            wrapped += textwrap.wrap(
                " ".join(item),
                width,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
        blocks.append("\n".join(wrapped))
    return "\n\n".join(blocks)


def _environment(root: pathlib.Path) -> jinja2.Environment:
    """Return the templates' environment, in which an unknown name is an error."""
    results = load_results(root / "results")
    results |= load_benchmarks(root / "mirjax" / "data" / "benchmarks")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(root / "docs" / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def values(name: str) -> Mapping[str, Any]:
        return results[name]["values"]

    def rows(name: str, **wanted: Any) -> list[Mapping[str, Any]]:
        return [
            row
            for row in results[name]["metrics"]
            if all(row.get(key) == value for key, value in wanted.items())
        ]

    def row(name: str, **wanted: Any) -> Mapping[str, Any]:
        found = rows(name, **wanted)
        if len(found) != 1:
            raise ValueError(f"{name}: {len(found)} rows with {wanted}, expected one")
        return found[0]

    def table(name: str, *columns: str, **wanted: Any) -> str:
        try:
            return make_table(rows(name, **wanted), columns)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def command(name: str) -> str:
        return "\n".join(f"    {line}" for line in results[name]["command"])

    environment.globals.update(values=values, rows=rows, row=row, table=table)
    environment.globals.update(command=command)
    environment.filters["fmt"] = format_value
    return environment


def render(root: pathlib.Path) -> Iterator[tuple[pathlib.Path, str]]:
    """Render every page.

    Args:
      root: the repository.

    Yields:
      Each page's path and its current text.

    Raises:
      ValueError: if a template names a result, row or field that is absent, or
        README.md lacks its markers.
    """
    environment = _environment(root)
    for name in sorted(environment.list_templates(filter_func=_is_page)):
        try:
            text = wrap(environment.get_template(name).render().strip("\n")) + "\n"
        except (jinja2.TemplateError, KeyError, ValueError) as error:
            raise ValueError(f"docs/templates/{name}: {error}") from error
        stem = name.removesuffix(TEMPLATE_SUFFIX)
        if stem != README:
            yield root / "docs" / f"{stem}.md", f"{_NOTICE.format(name)}\n\n{text}"
            continue
        path = root / "README.md"
        before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise ValueError(f"{path}: lacks the lines {BEGIN} and {END}")
        yield path, f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def _is_page(name: str) -> bool:
    return name.endswith(TEMPLATE_SUFFIX)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the pages; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail on an outdated page"
    )
    parser.add_argument(
        "--root", type=pathlib.Path, default=ROOT, help="the repository"
    )
    options = parser.parse_args(arguments)
    outdated = []
    try:
        for path, text in render(options.root):
            if path.exists() and path.read_text(encoding="utf-8") == text:
                continue
            outdated.append(path.relative_to(options.root))
            if not options.check:
                path.write_text(text, encoding="utf-8")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.check and outdated:
        names = ", ".join(map(str, outdated))
        print(
            f"error: out of date: {names}; run python scripts/render_docs.py",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
