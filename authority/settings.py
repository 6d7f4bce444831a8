"""What an operator may set: one frozen `Settings`, read once when a command starts.

A value comes from the first of these that gives one: a flag, an `AUTHORITY_*` variable of the environment, the
TOML file, the default.  A name that nobody knows is refused wherever it stands, because a misspelt limit is a
limit that does not hold.  Knows nothing of what the values are for; the root key is carried, never read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints

import msgspec

from authority.kernel.arn import partition_of
from authority.kernel.secret import Secret

PREFIX: Final = "AUTHORITY_"
FILE_NAME: Final = "authority.toml"
CONFIG: Final = "config"
"""The one name that is no setting: where the file is."""
ROOT_KEY: Final = "root_key"
IN_DATA_DIR: Final = {"database": "ledger.sqlite", "projections": "projections.sqlite", "root_key_file": "root.key"}
REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}", re.ASCII)
WEB_PORTS: Final = (80, 443)
"""The ports that clients leave out of `Host` (RFC 9110, section 7.2)."""

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=1, le=100_000_000)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[A-Za-z0-9.:\[\]_/~-]*[A-Za-z0-9\]]$")]
"""A URL with neither query nor a slash at its end, so that paths can follow."""

REGIONS: Final = (
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
    "us-gov-west-1",
)
"""What clients find in their own configuration; a credential scope may name any of one partition."""


class SettingsRefused(Exception):  # noqa: N818 - a refusal in the words of the house
    """A setting cannot be used; the message names it and says who gave it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an operator chose, with nothing left to be worked out."""

    data_dir: Path
    database: Path
    projections: Path
    root_key_file: Path
    root_key: Secret | None = None
    """The root key itself, as its 44 characters; from the environment only."""

    host: Text = "127.0.0.1"
    port: Port = 8600
    admin_host: Text = "127.0.0.1"
    admin_port: Port = 8601
    hosts: tuple[Text, ...]
    """The values of `Host` that are answered; one without a port speaks for every port."""
    regions: tuple[Text, ...]
    """All of one partition: an account has one name there, and what a policy denies by that name stays denied."""
    default_region: Text = "us-east-1"

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    summary_interval: Seconds = 10
    header_timeout: Seconds = 10
    body_timeout: Seconds = 30
    keepalive_timeout: Seconds = 75
    connection_limit: Count = 900
    """Below the number of files that a process may usually have open, with room for the database's own."""
    shutdown_grace: Seconds = 30
    batch_limit: Count = 256
    queue_limit: Count = 4_096
    snapshot_every: Count = 10_000
    expiry_interval: Seconds = 1
    max_chain_depth: Annotated[int, msgspec.Meta(ge=1, le=64)] = 16
    federation_sessions_end_with_parent: bool = False
    """Whether sessions of GetSessionToken and GetFederationToken end with the key that asked for them."""
    role_sessions_end_with_parent: bool = False
    """Whether role sessions end with the long-term key, or the provider, that their chain began with."""
    mfa_guards_enrolment: bool = True
    """Whether a user with an MFA device enables another only with credentials that were obtained with MFA."""
    public_url: Url = "https://localhost"
    """The URL under which the world reaches this authority; the issuers of tokens that others check lie below it."""
    assertions_count_once: bool = False
    """Whether a SAML assertion is redeemed once at all, and not once for each role."""
    web_identity_tokens_count_once: bool = False
    """Whether a token of a provider is traded for a role once, and not again and again until it expires."""
    shared_issuers_need_subject: bool = False
    """Whether a trust policy that lets in all customers of a shared issuer is refused, and not only remarked on."""
    open_trust_refused: bool = False
    """Whether trust in everybody, or in all whom a provider vouches for, without a condition is refused."""
    issuer_networks: tuple[Text, ...] = ()
    """Networks beside the public ones in which identity providers may be asked for their keys: `10.0.0.0/8`."""
    amazon_tokeninfo: Url = "https://api.amazon.com/auth/o2/tokeninfo"
    """Where access tokens of Login with Amazon are judged."""
    facebook_debug_token: Url = "https://graph.facebook.com/debug_token"
    """Where access tokens of Facebook are judged."""
    facebook_app_token_file: Path | None = None
    """The access token of an application of Facebook's, which may ask there; without it nobody is asked."""
    witness_url: Url | None = None
    """Where a witness signs checkpoints of the log, too: his submission prefix (C2SP tlog-witness)."""
    witness_key: Text | None = None
    """His public key, as he publishes it (C2SP signed-note, verifier key)."""
    catalogue: Path | None = None
    """A file of managed policies for every account, beside those that come with us and before them."""

    origins: Mapping[str, str]
    """Where each value came from, by name, in words."""

    def origin(self, name: str) -> str:
        """Say in words where the value of *name* came from."""
        return self.origins[name]

    def answers_for(self, host: str) -> bool:
        """Whether a request that names *host* is meant for us; any other may be a page that rebinds its name."""
        host = host.lower()
        name, colon, port = host.rpartition(":")
        bare = name if colon and port.isdecimal() else host
        return host in self.hosts or bare in self.hosts


NAMES: Final = tuple(name for name in Settings.__struct_fields__ if name != "origins")
_TYPES: Final = get_type_hints(Settings, include_extras=True)
DEFAULTS: Final[Mapping[str, Any]] = {
    field.name: field.default for field in msgspec.structs.fields(Settings) if field.default is not msgspec.NODEFAULT
}


def load(flags: Mapping[str, object], environ: Mapping[str, str], *, directory: Path | None = None) -> Settings:
    """Read the settings, or raise `SettingsRefused` for the first that cannot be used.

    A flag that is None, or repeated no times, was not given.  Relative paths, and the file when nobody says where
    it is, are looked for from *directory*, by default the current one.
    """
    given = {name: value for name, value in flags.items() if value is not None and value != ()}
    variables = {name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX)}
    _refuse_unknown(given, "flag", lambda name: f"--{name.replace('_', '-')}")
    _refuse_unknown(variables, "environment variable", _variable)
    for name, value in variables.items():
        if not value:
            raise SettingsRefused(f"`{_variable(name)}` is empty; give it a value or unset it")

    found: dict[str, object] = {}
    origins: dict[str, str] = {}

    def take(values: Mapping[str, object], origin_of: Mapping[str, str]) -> None:
        for name, value in values.items():
            if name != CONFIG and name not in found:
                found[name] = _converted(name, value, origin_of[name])
                origins[name] = origin_of[name]

    if ROOT_KEY in given:
        raise SettingsRefused("the root key cannot be a flag, which every process can read; use `root_key_file`")
    take(given, {name: f"flag --{name.replace('_', '-')}" for name in given})
    take(variables, {name: f"environment {_variable(name)}" for name in variables})
    base = directory if directory is not None else Path()
    file = _file(given, variables, base, found.get("data_dir"))
    if file is not None:
        written = _read(file)
        take(written, dict.fromkeys(written, f"file {file}"))
    take({name: value for name, value in DEFAULTS.items() if name != ROOT_KEY}, dict.fromkeys(DEFAULTS, "default"))
    take({"data_dir": "var"}, {"data_dir": "default"})
    _work_out(found, origins, base)
    for name in NAMES:
        origins.setdefault(name, "default")
    settings = Settings(**found, origins=origins)  # type: ignore[arg-type]  # each was converted to its field's type
    _weigh(settings)
    return settings


def _work_out(found: dict[str, Any], origins: dict[str, str], base: Path) -> None:
    """Fill in what follows from other settings."""
    data = found["data_dir"]
    for name, file in IN_DATA_DIR.items():
        if name not in found:
            found[name], origins[name] = data / file, "default, in data_dir"
    for name in ("data_dir", *IN_DATA_DIR, "catalogue", "facebook_app_token_file"):
        if found[name] is not None:
            found[name] = base / found[name]
    if "hosts" in found:
        found["hosts"] = tuple(host.lower() for host in found["hosts"])
    else:
        found["hosts"] = _hosts(found["host"], found["port"])
        origins["hosts"] = "default, from host and port"
    if "regions" not in found:
        partition = partition_of(found["default_region"])
        found["regions"] = tuple(region for region in REGIONS if partition_of(region) == partition)
        origins["regions"] = "default, from default_region"


def _hosts(host: str, port: int) -> tuple[str, ...]:
    """The names we answer for when nobody says: our own address and this machine's names for itself."""
    everywhere = ("0.0.0.0", "::")
    names = [f"[{host}]" if ":" in host else host.lower(), "localhost", "127.0.0.1", "[::1]"]
    names = [name for name in dict.fromkeys(names) if name.strip("[]") not in everywhere]
    if port == 0:  # the system picks one, so that it is not known yet
        return tuple(names)
    with_port = tuple(f"{name}:{port}" for name in names)
    return with_port + tuple(names) if port in WEB_PORTS else with_port


def _weigh(settings: Settings) -> None:
    """Refuse what is right by itself and wrong together."""
    if not settings.regions:
        raise SettingsRefused(f"`regions` from {settings.origin('regions')} names none")
    for region in settings.regions:
        if REGION.fullmatch(region) is None:
            raise SettingsRefused(f"`regions` from {settings.origin('regions')}: `{region}` is no region's name")
    partitions = {partition_of(region): region for region in settings.regions}
    if len(partitions) > 1:
        # INVARIANT: one name for each thing.  Whoever chose the partition of his request would choose which Deny holds.
        first, second, *_ = partitions.values()
        raise SettingsRefused(
            f"`regions` from {settings.origin('regions')}: `{first}` and `{second}` lie in different partitions, and an"
            " authority serves one"
        )
    if (settings.witness_url is None) is not (settings.witness_key is None):
        raise SettingsRefused("`witness_url` and `witness_key` go together: his signature counts under his key only")
    for network in settings.issuer_networks:
        try:
            ip_network(network)
        except ValueError:
            raise SettingsRefused(
                f"`issuer_networks` from {settings.origin('issuer_networks')}: `{network}` is no network"
            ) from None
    if settings.default_region not in settings.regions:
        raise SettingsRefused(
            f"`default_region` from {settings.origin('default_region')}: `{settings.default_region}` is not among"
            f" `regions` from {settings.origin('regions')}"
        )
    if not settings.hosts:
        raise SettingsRefused(f"`hosts` from {settings.origin('hosts')} names none, so that nothing would be answered")
    if (settings.host, settings.port) == (settings.admin_host, settings.admin_port) and settings.port != 0:
        raise SettingsRefused(f"`admin_port` from {settings.origin('admin_port')}: {settings.port} is `port` already")
    if len({settings.database, settings.projections, settings.root_key_file}) != 3:
        raise SettingsRefused("`database`, `projections` and `root_key_file` must be three different files")


def _variable(name: str) -> str:
    """The environment variable that gives *name*."""
    return PREFIX + name.upper()


def _refuse_unknown(values: Mapping[str, object], kind: str, spelled: Any) -> None:
    """Refuse the first of *values* that is no setting."""
    for name in values:
        if name not in NAMES and name != CONFIG:
            raise SettingsRefused(f"unknown {kind} `{spelled(name)}`")


def _file(flags: Mapping[str, object], variables: Mapping[str, str], base: Path, data_dir: Any) -> Path | None:
    """The file that was named, which must exist, or else the one that lies in the data directory or here."""
    named = flags.get(CONFIG, variables.get(CONFIG))
    if named is not None:
        return base / str(named)
    for place in (base / (data_dir or "var"), base):
        if (place / FILE_NAME).is_file():
            return place / FILE_NAME
    return None


def _read(file: Path) -> dict[str, object]:
    """The settings written in *file*."""
    try:
        written = tomllib.loads(file.read_text("utf-8"))
    except OSError as fault:
        raise SettingsRefused(f"the file {file} cannot be read: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsRefused(f"the file {file} is not UTF-8") from None
    except tomllib.TOMLDecodeError as fault:
        raise SettingsRefused(f"the file {file} is not TOML: {fault}") from None
    if ROOT_KEY in written:
        raise SettingsRefused(f"the root key cannot stand in {file}; use `root_key_file`")
    for name in written:
        if name not in NAMES:
            raise SettingsRefused(f"unknown setting `{name}` in the file {file}")
    return written


def _converted(name: str, value: object, origin: str) -> object:
    """Read *value* as the type of *name*; text with commas where several are asked for."""
    kind = _TYPES[name]
    if name in ("hosts", "issuer_networks", "regions") and isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if name == "log_level" and isinstance(value, str):
        value = value.lower()
    try:
        return msgspec.convert(value, kind, strict=False, dec_hook=_from_text)
    except msgspec.ValidationError as fault:
        raise SettingsRefused(f"`{name}` from {origin}: {_lowered(str(fault))}") from None


def _from_text(kind: type, value: object) -> object:
    """Read the types that msgspec does not know."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if kind is Path and isinstance(value, str | Path):
        if not str(value) or "://" in str(value):
            raise ValueError("expected the path of a file or folder; only the embedded store is served")
        return Path(value)
    raise ValueError("expected text")


def _lowered(message: str) -> str:
    """Make msgspec's *message* go on after a colon."""
    return message[:1].lower() + message[1:]
