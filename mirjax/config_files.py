"""The flag --config: shipped configs by name from any folder, and one's own by path."""

import importlib.util
import pathlib
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from absl import flags

from mirjax.spelling import suggest

if TYPE_CHECKING:
    from ml_collections import ConfigDict

_CONFIGS = pathlib.Path(__file__).with_name("configs")  # in a clone, a link


def define_config_flag(
    flag_values: flags.FlagValues,
    help_text: str,
    describe_replacement: Callable[[str], str] = lambda key: "",
) -> None:
    """Define the flag --config, a config and its variant.

    Args:
      flag_values: in which to define the flag.
      help_text: of the flag.
      describe_replacement: returns the end of an error message that names the
        replacement of a dotted config key of an earlier version; "" for a key that
        never existed.
    """
    from ml_collections import config_flags

    class Parser(flags.ArgumentParser):
        def parse(self, path: str) -> "ConfigDict":
            config = load_config(path)
            _check_overrides(config, sys.argv, describe_replacement)
            return config

    config_flags.DEFINE_config_file("config", None, help_text, flag_values=flag_values)
    flag_values["config"].parser = Parser()


def shipped_configs() -> list[str]:
    """Return the names of the shipped configs, such as seq2seq or sweeps/mitar."""
    paths = _CONFIGS.resolve().rglob("*.py")
    names = (path.relative_to(_CONFIGS.resolve()).with_suffix("") for path in paths)
    return sorted(
        name.as_posix() for name in names if name.name not in ("base", "__init__")
    )


def load_config(text: str) -> "ConfigDict":
    """Load a config, as --config names it.

    Args:
      text: NAME or FILE.py, optionally with ":VARIANT". NAME is a shipped config. If a
        file does not exist, it is searched for among the shipped configs:
        configs/NAME.py is NAME.

    Returns:
      The config, locked.

    Raises:
      ValueError: if there is no such config, or it cannot be read.
    """
    from ml_collections import ConfigDict

    name, variant = _split_variant(text)
    path = _find_config(name)
    spec = importlib.util.spec_from_file_location("config", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path}: no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        config = module.get_config(*variant)
    except ValueError:
        raise
    except (Exception, SystemExit) as error:  # a config file may raise anything
        raise ValueError(f"{path}: {type(error).__name__}: {error}") from error
    if not isinstance(config, ConfigDict):
        raise ValueError(f"{path}: get_config returns no ConfigDict")
    return config.lock()


def _split_variant(text: str) -> tuple[str, list[str]]:
    """Split NAME:VARIANT or FILE.py:VARIANT; a folder's name may hold a colon."""
    stem, end, variant = text.partition(".py:")
    if end:
        return f"{stem}.py", [variant]
    if text.endswith(".py"):
        return text, []
    name, *rest = text.split(":", maxsplit=1)
    return name, rest


def _find_config(name: str) -> pathlib.Path:
    """Return the file of a config that is named by path or as shipped_configs does."""
    path, known = pathlib.Path(name), shipped_configs()
    if path.suffix == ".py" and path.is_file():
        return path
    shipped = path.as_posix().removeprefix("configs/").removesuffix(".py")
    if shipped not in known:
        raise ValueError(
            f"no such file, and no shipped config of this name: {', '.join(known)}"
            + suggest(shipped, known)
        )
    return _CONFIGS.resolve() / f"{shipped}.py"


def _check_overrides(
    config: "ConfigDict",
    argv: Sequence[str],
    describe_replacement: Callable[[str], str],
) -> None:
    """Raise a ValueError if the command line sets a key that a config does not have."""
    for word in argv:
        if found := re.match(r"--?(?:no)?config\.([\w.]+)", word):
            key = found[1]
            known = _keys(config)
            if key not in known:
                section = key.rpartition(".")[0]
                siblings = [k for k in known if k.rpartition(".")[0] == section]
                raise ValueError(
                    f"{word}: the config has no key {key}"
                    + (
                        describe_replacement(key)
                        or suggest(key, known)
                        or f"; known: {', '.join(siblings or config)}"
                    )
                )


def _keys(config: "ConfigDict", prefix: str = "") -> list[str]:
    """Return the dotted keys of a config, of sections too."""
    keys = []
    for key, value in config.items():
        keys.append(prefix + key)
        if hasattr(value, "items"):
            keys += _keys(value, f"{prefix}{key}.")
    return keys
