"""Names of the formats of tables of pairs, at no cost for flags that list them."""

CHAKRABORTY, MITAR, MIRBENCH, CSV = FORMATS = (
    "chakraborty2019",
    "mitar2021",
    "mirbench",
    "csv",
)
