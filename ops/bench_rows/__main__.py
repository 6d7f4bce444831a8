"""All rows of this folder, or those of the modules named, as one table; fails when a limit is missed.

A module beside this one gives its rows by a function `rows()`, each a dict: `what` was measured; one figure
(`per_second`, `seconds` or `megabytes`); for a rate the `ratio` of ours to it, which is 1 or left out where it is ours;
and the limit, if there is one: `target` is the least ratio, `at_most` the largest figure.
"""

from __future__ import annotations

import ast
import importlib
import os
import platform
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
MET, MISSED = "met", "MISSED"


def names() -> list[str]:
    """The modules that give rows."""
    found = []
    for path in sorted(HERE.glob("*.py")):
        functions = [
            node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
        ]
        if path.stem != "__main__" and any(function.name == "rows" for function in functions):
            found.append(path.stem)
    return found


def cells(row: dict) -> tuple[str, str, str, str, str, str]:
    """One row of the table: what, ours, peer, ratio, limit, verdict."""
    what, verdict, limit = row["what"], "", ""
    if row.get("failed"):
        return what, "", "", "", "", MISSED
    if "per_second" not in row:
        unit = "s" if "seconds" in row else "MB"
        figure = row["seconds" if unit == "s" else "megabytes"]
        if "at_most" in row:
            limit, verdict = f"<= {row['at_most']:g} {unit}", MET if figure <= row["at_most"] else MISSED
        return what, f"{figure:,.2f} {unit}" if unit == "s" else f"{figure:,.0f} {unit}", "", "", limit, verdict
    rate, ratio = row["per_second"], row.get("ratio", 1.0)
    if ratio == 1.0 and "target" not in row:
        return what, f"{rate:,.0f}/s", "", "", "", ""
    if "target" in row:
        limit, verdict = f">= {row['target']:g}", MET if ratio >= row["target"] else MISSED
    return f"  beside {what}", f"{rate * ratio:,.0f}/s", f"{rate:,.0f}/s", f"{ratio:.2f}", limit, verdict


def measured(wanted: list[str], table: Table, console: Console) -> Iterator[str]:
    """Fill *table*; give the verdicts."""
    for name in wanted:
        console.print(f"bench: {name}", style="dim", highlight=False)
        began = time.perf_counter()
        try:
            found = importlib.import_module(name).rows()
        except Exception:  # noqa: BLE001 - one that fails must not cost what the others took so long to measure
            console.print_exception()
            found = [{"what": f"{name} could not be measured", "failed": True}]
        for row in found:
            written = cells(row)
            table.add_row(*written, style="bold red" if written[-1] == MISSED else None)
            yield written[-1]
        table.add_section()
        console.print(f"bench: {name} took {time.perf_counter() - began:.0f} s", style="dim", highlight=False)


def main(arguments: list[str]) -> int:
    """Measure what *arguments* name, or everything."""
    unknown = set(arguments) - set(names())
    if unknown:
        print(f"bench: there is no {', '.join(sorted(unknown))}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    sys.path.insert(0, str(HERE))
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("what", overflow="fold")
    for heading in ("ours", "peer", "ratio", "limit", "verdict"):
        table.add_column(heading, justify="right", no_wrap=True)
    verdicts = list(measured(arguments or names(), table, console))
    console.print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f} at the end",
        highlight=False,
    )
    console.print(table)
    return 1 if MISSED in verdicts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
