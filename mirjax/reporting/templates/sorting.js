// Tables that sort by a click on a heading and filter by text; see page.Table.
for (const table of document.querySelectorAll("table[data-sorts]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const cells = new Map(rows.map((row) => [row, [...row.cells].map((c) => c.textContent)]));
  const number = (text) => (/^-?[\d.,]+(e[-+]?\d+)?%?$/i.test(text) ? parseFloat(text.replace(/,/g, "")) : NaN);
  const compare = (one, other) => {
    const difference = number(one) - number(other);
    return Number.isNaN(difference) ? one.localeCompare(other, "en", { numeric: true }) : difference;
  };
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const numeric = rows.some((row) => !Number.isNaN(number(cells.get(row)[column])));
      const before = heading.getAttribute("aria-sort");
      // Numbers begin with the highest, names with the first letter.
      const next = before ? before === "ascending" : numeric;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", next ? "descending" : "ascending");
      const sign = next ? -1 : 1;
      rows.sort((a, b) => sign * compare(cells.get(a)[column], cells.get(b)[column]));
      body.append(...rows);
    });
  });
  const label = document.createElement("label");
  const field = document.createElement("input");
  const count = document.createElement("output");
  field.type = "search";
  label.className = "filter";
  label.append("Filter ", field, " ", count);
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = cells.get(row).join(" ").toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
  };
  field.addEventListener("input", show);
  table.closest(".scroll").before(label);
  show();
}
