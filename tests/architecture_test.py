"""The imports, and the sizes of files and functions, as the source states them."""

import ast
import graphlib
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
# From the top to the bottom: a module imports from its own part and from those below.
PARTS = (
    ("__main__", "train", "evaluate", "scan", "predict", "confirm", "sweep", "study"),
    ("__init__",),
    ("api",),
    ("reporting",),
    ("studies",),
    ("training",),
    ("evaluation",),
    ("scanning",),
    ("inference",),
    ("models",),
    ("datasets",),
    ("blast",),
    ("alignment",),
    ("sequences",),
    ("configs",),
    (
        "cli",
        "config_files",
        "cores",
        "files",
        "inputs",
        "output",
        "pipes",
        "spelling",
        "xla",
    ),
)
RANKS = {name: rank for rank, names in enumerate(PARTS) for name in names}
ENTRY_POINTS, SHARED = PARTS[0], PARTS[-1]
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 300, 60, 6


def source_files(*folders):
    """Return the Python files of folders; configs/ is listed under its own name."""
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if not path.is_relative_to(ROOT / "mirjax" / "configs")
    )


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "mirjax" else ("mirjax", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): ast.parse(path.read_text(), str(path))
    for path in source_files("mirjax", "configs")
}


def imported_modules(name, tree):
    """Return the modules of mirjax that one imports, in its functions too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: a relative import"
            assert node.module is not None
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {full if full in MODULES else node.module for full in whole}
    return {module for module in found if module.partition(".")[0] == "mirjax"}


IMPORTS = {name: imported_modules(name, tree) for name, tree in MODULES.items()}


def part_of(module):
    return module.split(".")[1] if "." in module else "__init__"


def is_allowed(module, imported):
    """Return whether an import points down, or stays in its package."""
    above, below = part_of(module), part_of(imported)
    if above == below:
        return True
    if above in SHARED and below in SHARED:
        return True
    return RANKS[above] < RANKS[below]


def test_every_module_has_its_place_in_the_list():
    assert {part_of(module) for module in MODULES} <= set(RANKS)


def test_only_modules_that_exist_are_imported():
    missing = set().union(*IMPORTS.values()) - set(MODULES)
    assert not missing


def test_configs_are_imported_as_a_part_of_the_package():
    """As a top-level module they exist in a clone alone."""
    top_level = [
        str(path.relative_to(ROOT))
        for path in source_files("mirjax", "configs", "scripts", "tests")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and node.names[0].name.startswith("configs"))
        or (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").split(".")[0] == "configs"
        )
    ]
    assert not top_level


def test_imports_point_down_the_list():
    upward = [
        f"{module} imports {imported}"
        for module, imports in IMPORTS.items()
        for imported in imports
        if not is_allowed(module, imported)
    ]
    assert not upward


def test_modules_do_not_import_each_other_in_a_circle():
    order = list(graphlib.TopologicalSorter(IMPORTS).static_order())
    assert set(order) == set(MODULES)


@pytest.mark.parametrize(
    ("module", "imported", "allowed"),
    [
        ("mirjax.train", "mirjax.training.loop", True),
        ("mirjax.training.loop", "mirjax.train", False),
        ("mirjax.train", "mirjax.sweep", False),
        ("mirjax.evaluation.generator", "mirjax.training.steps", False),
        ("mirjax.models.trained", "mirjax.models.imports.mitar", True),
        ("mirjax.cli", "mirjax.spelling", True),
        ("mirjax.cli", "mirjax.sequences.fasta", False),
        ("mirjax", "mirjax.cli", True),
        ("mirjax", "mirjax.api", True),
        ("mirjax.training.loop", "mirjax", False),
    ],
)
def test_the_rule_for_imports(module, imported, allowed):
    assert is_allowed(module, imported) == allowed


def test_no_file_is_too_long():
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in source_files("mirjax", "configs", "scripts")
    }
    assert not {name: n for name, n in lines.items() if n > MAX_FILE_LINES}


def functions():
    """Yield each function's place and its syntax tree."""
    for path in source_files("mirjax", "configs", "scripts"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def test_no_function_is_too_long():
    lines = {place: node.end_lineno - node.lineno + 1 for place, node in functions()}
    assert not {place: n for place, n in lines.items() if n > MAX_FUNCTION_LINES}


def test_no_function_has_too_many_parameters():
    numbers = {}
    for place, node in functions():
        given = node.args
        names = [arg.arg for arg in (*given.posonlyargs, *given.args)]
        numbers[place] = (
            len([name for name in names if name not in ("self", "cls")])
            + len(given.kwonlyargs)
            + (given.vararg is not None)
            + (given.kwarg is not None)
        )
    assert not {place: n for place, n in numbers.items() if n > MAX_PARAMETERS}
