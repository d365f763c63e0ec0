"""SHA-256 of every file of a checkpoint, in a manifest beside them."""

import json
import pathlib

from absl import logging

from mirjax.files import atomic_write, file_sha256

FOLDER = "checkpoints"  # in a workdir
FILE_NAME = "sha256.json"  # in a checkpoint's folder
DAMAGED_FOLDER = "damaged"  # in a workdir


def write_manifest(folder: pathlib.Path) -> None:
    """Write the manifest of a checkpoint's folder."""
    hashes = _hashes(folder)
    with atomic_write(folder / FILE_NAME) as unfinished:
        unfinished.write_text(json.dumps(hashes, indent=1) + "\n")


def find_damage(folder: pathlib.Path) -> str | None:
    """Describe the damage of a checkpoint, or return None.

    Args:
      folder: of the checkpoint.
    """
    manifest = folder / FILE_NAME
    try:
        wanted = json.loads(manifest.read_text())
        found = _hashes(folder)
    except FileNotFoundError:
        return f"it has no {FILE_NAME}"
    except (OSError, ValueError) as error:
        return f"{FILE_NAME} cannot be read ({error})"
    if not isinstance(wanted, dict):
        return f"{FILE_NAME} holds no hashes"
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            return f"{name} is missing"
        if wanted.get(name) != found[name]:
            return f"{name} has another SHA-256 than when it was written"
    return None


def set_damaged_aside(workdir: pathlib.Path, checkpoints: pathlib.Path) -> None:
    """Check every checkpoint, and move damaged ones to another folder.

    If no checkpoint has a manifest, an earlier version of mirjax wrote them: manifests
      of their present content are written.

    Args:
      workdir: the run's folder.
      checkpoints: the folder of its checkpoints, by step.
    """
    steps = saved_steps(checkpoints)
    folders = [checkpoints / str(step) for step in steps]
    if folders and not any((folder / FILE_NAME).exists() for folder in folders):
        logging.warning(
            "%s: the checkpoints have no %s yet, so that damage before now is not seen",
            checkpoints,
            FILE_NAME,
        )
        for folder in folders:
            write_manifest(folder)
        return
    for folder in folders:
        damage = find_damage(folder)
        if damage is None:
            continue
        aside = workdir / DAMAGED_FOLDER / folder.name
        number = 1
        while aside.exists():
            number += 1
            aside = aside.with_name(f"{folder.name}.{number}")
        aside.parent.mkdir(exist_ok=True)
        folder.rename(aside)
        logging.warning(
            "The checkpoint of step %s is damaged: %s; it is not used, and was moved "
            "to %s",
            folder.name,
            damage,
            aside,
        )


def saved_steps(checkpoints: pathlib.Path) -> list[int]:
    """Return the steps of the checkpoints in a folder, the first step first."""
    if not checkpoints.is_dir():
        return []
    return sorted(
        int(path.name)
        for path in checkpoints.iterdir()
        if path.name.isdigit() and path.is_dir()
    )


def _hashes(folder: pathlib.Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder but the manifest's."""
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / FILE_NAME
    }
