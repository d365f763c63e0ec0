"""The version of code: what changes it, and what does not."""

import pathlib

import pytest

from mirjax.studies import code_version as module
from mirjax.studies.code_version import code_version


def clear_caches():
    """Forget the source that was read."""
    for function in vars(module).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of three modules, of which `a` imports `b`."""
    folder = tmp_path / "mirjax"
    folder.mkdir()
    (folder / "a.py").write_text("from mirjax import b\nimport os\nX = b.Y\n")
    source = '"""About b."""\n\n\ndef f():\n    """Do."""\n    g()\n'
    (folder / "b.py").write_text(source)
    (folder / "c.py").write_text("Z = 1\n")
    monkeypatch.setattr(module, "_PACKAGE", folder)
    clear_caches()
    yield folder
    clear_caches()


def version_after(file: pathlib.Path, text: str) -> tuple[str, str]:
    before = code_version("mirjax.a")
    file.write_text(text)
    clear_caches()
    return before, code_version("mirjax.a")


@pytest.mark.parametrize(
    ("file", "text", "same"),
    [
        ("b.py", '"""Other."""\n\ndef f():  # why\n    """Does."""\n    g()\n', True),
        ("b.py", '"""About b."""\n\n\ndef f():\n    """Do."""\n    h()\n', False),
        ("a.py", "from mirjax import b\nimport os\nX = b.Z\n", False),
        ("c.py", "Z = 2\n", True),
    ],
)
def test_code_that_is_imported_counts_and_remarks_do_not(package, file, text, same):
    before, after = version_after(package / file, text)
    assert (before == after) == same


def test_ignored_modules_do_not_count(package):
    ignored = frozenset({"mirjax.b"})
    before = code_version("mirjax.a", ignored)
    (package / "b.py").write_text("other = 1\n")
    clear_caches()
    assert code_version("mirjax.a", ignored) == before
