"""The version of the code that a result depends on, as a hash."""

import ast
import functools
import hashlib
import pathlib
from collections.abc import Collection

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]


@functools.cache
def code_version(module: str, ignored: Collection[str] = frozenset()) -> str:
    """Hash the source of a module and of all modules of mirjax that it imports.

    Comments, docstrings and layout are ignored, so that editing them repeats no
    training.

    Args:
      module: dotted name, such as "mirjax.training.run".
      ignored: modules to leave out, together with what only they import.

    Returns:
      SHA-256, in hexadecimal.
    """
    waiting, seen = [module], {}
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if path is None or name in seen or name in ignored:
            continue
        seen[name], imported = _read(path)
        waiting += imported
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(f"{name}\n{seen[name]}\n".encode())
    return digest.hexdigest()


@functools.cache
def _read(path: pathlib.Path) -> tuple[str, list[str]]:
    """Return a module's source without docstrings, and the names that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = _imported(tree)
    return ast.dump(_without_docstrings(tree)), imported


def _path(module: str) -> pathlib.Path | None:
    """Return the file of a module of mirjax; None for anything else."""
    first, *rest = module.split(".")
    if first != _PACKAGE.name:
        return None
    path = _PACKAGE.joinpath(*rest)
    candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((file for file in candidates if file.is_file()), None)


def _imported(tree: ast.AST) -> list[str]:
    """Return the names that a module imports, including those in functions."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            # A name may be a module or a member of one; the latter has no file.
            found += [node.module, *(f"{node.module}.{x.name}" for x in node.names)]
    return found


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """Empty the docstrings of a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                first.value.value = ""
    return tree
