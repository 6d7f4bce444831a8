"""Every setting as a flag, made from the settings themselves so that none is forgotten."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

import click

from authority import settings as settings_of
from authority.settings import DEFAULTS, NAMES, Settings

Command = TypeVar("Command", bound=Callable[..., Any])

PLACES: Final = ("data_dir", "database", "projections", "root_key_file")
"""Where an authority lies."""
ALL: Final = tuple(name for name in NAMES if name != settings_of.ROOT_KEY)
"""Everything but the root key, which every process could read in a flag."""
MEANING: Final[Mapping[str, str]] = {
    "data_dir": "The folder that everything lies in.",
    "database": "The file of the log.",
    "projections": "The file of what is worked out from the log; it can be thrown away.",
    "root_key_file": "The file of the root key, which nobody else may read.",
    "host": "The address that clients reach.",
    "port": "The port that clients reach.",
    "admin_host": "The address of health and metrics.",
    "admin_port": "The port of health and metrics.",
    "hosts": "What `Host` may say, such as authority.example.org; again for each.",
    "regions": "A region that requests may be signed for, of one partition; again for each.",
    "default_region": "The region where none is said.",
    "log_level": "The least grave diagnostics that are written: debug, info, warning or error.",
    "summary_interval": "Seconds between summaries of requests that proved nothing.",
    "body_timeout": "Seconds that a request's body may take.",
    "header_timeout": "Seconds that a request's head may take.",
    "keepalive_timeout": "Seconds that a connection may stay idle.",
    "connection_limit": "The most connections of clients at once; one more is told to try again.",
    "shutdown_grace": "Seconds that requests under way have when it stops.",
    "batch_limit": "The most requests that one commit takes.",
    "queue_limit": "The most requests that wait for a commit; more are told to try again.",
    "snapshot_every": "Entries between two snapshots.",
    "expiry_interval": "Seconds between looks for sessions that ended.",
    "max_chain_depth": "How many roles may be taken on one from the other.",
    "federation_sessions_end_with_parent": "Sessions of a user end with the key that asked for them: true or false.",
    "role_sessions_end_with_parent": "Role sessions end with the key or provider that their chain began with.",
    "mfa_guards_enrolment": "Who has an MFA device needs it to enable another: true or false.",
    "public_url": "The URL under which the world reaches this authority.",
    "assertions_count_once": "A SAML assertion is traded for credentials once only: true or false.",
    "web_identity_tokens_count_once": "A token of a provider is traded for credentials once only: true or false.",
    "issuer_networks": "A private network that identity providers may be in, such as 10.0.0.0/8; again for each.",
    "shared_issuers_need_subject": "Refuse trust in all customers of a shared issuer, not only remark on it.",
    "open_trust_refused": "Refuse trust in everybody without a condition, not only remark on it.",
    "amazon_tokeninfo": "Where access tokens of Login with Amazon are judged.",
    "facebook_debug_token": "Where access tokens of Facebook are judged.",
    "facebook_app_token_file": "The access token of a Facebook application, which may ask there.",
    "witness_url": "Where a witness signs each checkpoint of the log, too.",
    "witness_key": "The public key of the witness.",
    "catalogue": "A file of managed policies for every account.",
}
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
                help=_said(name),
            )(command)
        return click.option("--config", default=None, metavar="FILE", help="The TOML file with settings.")(command)

    return add


def _said(name: str) -> str:
    default = DEFAULTS.get(name)
    many = isinstance(default, tuple)
    shown = "" if default is None or many else f"  [default: {str(default).lower()}]"
    return f"{MEANING.get(name, '')}  Also AUTHORITY_{name.upper()}.{shown}"


def read_point(text: str, flag: str) -> int | datetime:
    """The position or the time that *text* says, as the value of *flag*."""
    if text.isdecimal() and text.isascii():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("give a position or a time in ISO 8601", param_hint=flag) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def read_settings(flags: dict[str, Any]) -> Settings:
    """The settings from *flags*, the environment, the file and the defaults, in that order."""
    return settings_of.load(flags, os.environ)
