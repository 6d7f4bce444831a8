"""What is in this checkout: the files that are, or are about to be, under version control."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def _files() -> tuple[Path, ...]:
    """Every file that version control knows or would take, whoever owns the folder."""
    answer = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = sorted(set(answer.stdout.decode().split("\0")) - {""})
    return tuple(Path(name) for name in names if (ROOT / name).is_file())


FILES: Final = _files()
PYTHON: Final = tuple(file for file in FILES if file.suffix == ".py")
MODULES: Final = tuple(file for file in PYTHON if file.parts[0] == "authority")


def text(file: Path) -> str:
    """What *file* says; bytes that are no text are shown as marks."""
    return (ROOT / file).read_bytes().decode("utf-8", "replace")
