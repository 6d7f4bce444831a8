"""Every setting as a flag, made from the settings themselves so that none is forgotten."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

import click

from authority import settings as settings_of
from authority.settings import NAMES, Settings

Command = TypeVar("Command", bound=Callable[..., Any])

PLACES: Final = ("data_dir", "database", "projections", "root_key_file")
"""Where an authority lies."""
DECISIVE: Final = (
    "regions",
    "max_chain_depth",
    "federation_sessions_end_with_parent",
    "role_sessions_end_with_parent",
)
"""What its decisions depend on."""
ALL: Final = tuple(name for name in NAMES if name != settings_of.ROOT_KEY)
"""Everything but the root key, which every process could read in a flag."""
_TYPES: Final = get_type_hints(Settings, include_extras=True)


def settings_options(*names: str) -> Callable[[Command], Command]:
    """Give a command `--config` and a flag for each of *names*."""

    def add(command: Command) -> Command:
        for name in reversed(names):
            kind = _TYPES[name]
            several = get_origin(kind) is tuple
            shown = "TEXT" if get_args(kind) == () else None
            command = click.option(
                f"--{name.replace('_', '-')}",
                name,
                multiple=several,
                metavar=shown,
                default=None,
                help=f"Also AUTHORITY_{name.upper()}, or {name} in the file.",
            )(command)
        return click.option("--config", default=None, metavar="FILE", help="The TOML file with settings.")(command)

    return add


def read_settings(flags: dict[str, Any]) -> Settings:
    """The settings from *flags*, the environment, the file and the defaults, in that order."""
    return settings_of.load(flags, os.environ)
