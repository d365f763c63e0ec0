"""The strongest targets, sites and genes of a scan, collected in bounded memory."""

import dataclasses

import pyarrow as pa
import pyarrow.compute as pc

from mirjax.scanning.genes import SCHEMA
from mirjax.scanning.site_types import OTHER, SITE_TYPES

GENE_COLUMNS = ("target", "mirna", *SCHEMA.names[2:])

_UNTYPED = SITE_TYPES[OTHER]
_STRONGEST = "descending"


@dataclasses.dataclass(frozen=True)
class Limits:
    """Upper limits of what a report shows.

    Attributes:
      targets: with a picture.
      sites: in a picture.
      genes: rows of the table of miRNAs and targets.
      duplexes: that are drawn.
    """

    targets: int = 25
    sites: int = 400
    genes: int = 1000
    duplexes: int = 20


class ScanSummary:
    """The strongest targets, sites, and pairs of a scan; a sink of its rows.

    Of equal scores the earlier row comes first. A site without a score has score 1.

    Attributes:
      targets: name → sites of the strongest targets by their summed scores.
      sites: name → number of sites of each of those targets.
      genes: a table with the columns `GENE_COLUMNS`, strongest first.
      duplexes: the sites of the highest scores, with all their columns.
      num_sites, num_targets, num_genes: of the whole scan: rows, targets with a site,
        and pairs of a miRNA and a target with a site.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sums: dict[str, float] = {}
        self.targets: dict[str, pa.Table] = {}
        self.sites: dict[str, int] = {}
        self.genes: pa.Table | None = None
        self.duplexes: pa.Table | None = None
        self.num_sites = self.num_targets = self.num_genes = 0

    def add(self, table: pa.Table) -> None:
        """Take the next rows; all rows of a target must be in one table."""
        if not table.num_rows:
            return
        table = _complete(table)
        self.num_sites += table.num_rows
        self.duplexes = _strongest(self.duplexes, table, "score", self._limits.duplexes)
        genes = _count_genes(table)
        self.num_genes += genes.num_rows
        self.genes = _strongest(self.genes, genes, "summed_score", self._limits.genes)
        self._add_targets(table)

    def _add_targets(self, table: pa.Table) -> None:
        """Keep the sites of the strongest targets."""
        sums = table.group_by("target", use_threads=False).aggregate([("score", "sum")])
        self.num_targets += sums.num_rows
        for name, total in zip(
            sums["target"].to_pylist(), sums["score_sum"].to_pylist(), strict=True
        ):
            if len(self._sums) == self._limits.targets:
                # Of equally weak ones the last, since the earlier ones stay.
                weakest = min(reversed(self._sums), key=self._sums.__getitem__)
                if total <= self._sums[weakest]:
                    continue
                del self._sums[weakest], self.targets[weakest], self.sites[weakest]
            rows = table.filter(pc.equal(table["target"], name))
            self._sums[name], self.sites[name] = total, rows.num_rows
            self.targets[name] = _strongest(None, rows, "score", self._limits.sites)

    def ranked_targets(self) -> list[str]:
        """Return the names of the targets that are kept, strongest first."""
        return sorted(self._sums, key=lambda name: -self._sums[name])


def _complete(table: pa.Table) -> pa.Table:
    """Add the columns that a scan does not have."""
    number = table.num_rows
    if "score" not in table.schema.names:
        table = table.append_column("score", pa.repeat(1.0, number))
    if "site_type" not in table.schema.names:
        table = table.append_column("site_type", pa.repeat(_UNTYPED, number))
    types = pc.fill_null(table["site_type"].cast(pa.string()), _UNTYPED)
    known = pc.is_in(types, pa.array(SITE_TYPES))
    types = pc.if_else(known, types, _UNTYPED)
    for name, column in (
        ("score", pc.fill_null(table["score"].cast(pa.float64()), 1.0)),
        ("site_type", types),
    ):
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def _count_genes(table: pa.Table) -> pa.Table:
    """Return one row per target and miRNA, in the order of their first sites.

    Unlike in `scanning.genes`, the rows of a target may be in any order.
    """
    for name in SITE_TYPES:
        one = pc.equal(table["site_type"], name).cast(pa.int64())
        table = table.append_column(f"is {name}", one)
    counted = table.group_by(["target", "mirna"], use_threads=False).aggregate(
        [
            ("score", "count"),
            *[(f"is {name}", "sum") for name in SITE_TYPES],
            ("score", "max"),
            ("score", "sum"),
        ]
    )
    columns = [
        "target",
        "mirna",
        "score_count",
        *[f"is {name}_sum" for name in SITE_TYPES],
        "score_max",
        "score_sum",
    ]
    return counted.select(columns).rename_columns(list(GENE_COLUMNS))


def _strongest(
    kept: pa.Table | None, table: pa.Table, by: str, number: int
) -> pa.Table:
    """Return the rows of the highest values among those kept and new ones."""
    together = table if kept is None else pa.concat_tables([kept, table])
    # Stable: of equal values, the earlier row comes first.
    order = pc.sort_indices(together, sort_keys=[(by, _STRONGEST)])
    return together.take(order[:number]).combine_chunks()
