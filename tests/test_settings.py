"""Settings: where a value comes from, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import fields

from authority import settings
from authority.model import authority
from authority.registry import ACTIONS
from authority.settings import Settings, SettingsRefused, load

KEY = "AUTHORITY_ROOT_KEY"


def written(folder: Path, text: str) -> Path:
    file = folder / "authority.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_defaults_make_an_authority_on_loopback_in_one_folder(tmp_path):
    chosen = load({}, {}, directory=tmp_path)
    data = tmp_path / "var"
    assert (chosen.host, chosen.port, chosen.admin_host, chosen.admin_port) == ("127.0.0.1", 8600, "127.0.0.1", 8601)
    assert (chosen.data_dir, chosen.database, chosen.projections) == (
        data,
        data / "ledger.sqlite",
        data / "projections.sqlite",
    )
    assert chosen.root_key_file == data / "root.key"
    assert chosen.root_key is None
    assert chosen.hosts == ("127.0.0.1:8600", "localhost:8600", "[::1]:8600")


def test_every_setting_has_an_origin():
    chosen = load({}, {})
    assert {chosen.origin(name) for name in settings.NAMES} <= {
        "default",
        "default, in data_dir",
        "default, from host and port",
        "default, from default_region",
    }


@pytest.mark.parametrize(
    ("flags", "environ", "file", "port", "origin"),
    [
        pytest.param({}, {}, "", 8600, "default", id="nobody says: the default"),
        pytest.param({}, {}, "port = 1", 1, "file", id="the file before the default"),
        pytest.param(
            {},
            {"AUTHORITY_PORT": "2"},
            "port = 1",
            2,
            "environment AUTHORITY_PORT",
            id="the environment before the file",
        ),
        pytest.param(
            {"port": 3}, {"AUTHORITY_PORT": "2"}, "port = 1", 3, "flag --port", id="a flag before the environment"
        ),
        pytest.param(
            {"port": None},
            {"AUTHORITY_PORT": "2"},
            "",
            2,
            "environment AUTHORITY_PORT",
            id="a flag not given says nothing",
        ),
        pytest.param({"port": "4"}, {}, "", 4, "flag --port", id="text is read as the number it spells"),
        pytest.param({}, {"PORT": "9"}, "", 8600, "default", id="variables of others are not ours"),
    ],
)
def test_the_first_source_that_gives_a_value_wins(tmp_path, flags, environ, file, port, origin):
    file = written(tmp_path, file)
    chosen = load(flags, environ, directory=tmp_path)
    assert chosen.port == port
    assert chosen.origin("port") == (f"file {file}" if origin == "file" else origin)


@pytest.mark.parametrize("place", ["var", "."])
def test_the_file_is_found_in_the_data_directory_or_here(tmp_path, place):
    (tmp_path / "var").mkdir()
    written(tmp_path / place, "batch_limit = 7")
    assert load({}, {}, directory=tmp_path).batch_limit == 7


def test_the_file_in_the_data_directory_goes_before_the_one_here(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    written(tmp_path, "batch_limit = 7")
    written(tmp_path / "elsewhere", "batch_limit = 8")
    assert load({"data_dir": "elsewhere"}, {}, directory=tmp_path).batch_limit == 8
    assert load({}, {"AUTHORITY_DATA_DIR": "elsewhere"}, directory=tmp_path).batch_limit == 8


@pytest.mark.parametrize(
    "said", [({"config": "other.toml"}, {}), ({}, {"AUTHORITY_CONFIG": "other.toml"})], ids=["flag", "environment"]
)
def test_the_file_that_is_named_is_the_only_one_read(tmp_path, said):
    written(tmp_path, "port = 1")
    (tmp_path / "other.toml").write_text("batch_limit = 9")
    chosen = load(*said, directory=tmp_path)
    assert (chosen.port, chosen.batch_limit) == (8600, 9)


def test_lists_are_written_with_commas_or_as_lists(tmp_path):
    written(tmp_path, 'regions = ["eu-west-1", "us-east-1"]')
    chosen = load({}, {"AUTHORITY_HOSTS": "Auth.Example:443, auth.internal"}, directory=tmp_path)
    assert chosen.regions == ("eu-west-1", "us-east-1")
    assert chosen.hosts == ("auth.example:443", "auth.internal")


def test_the_regions_are_those_of_the_partition_that_the_default_lies_in():
    assert load({"default_region": "cn-north-1"}, {}).regions == ("cn-north-1", "cn-northwest-1")
    assert load({"default_region": "us-gov-west-1"}, {}).regions == ("us-gov-east-1", "us-gov-west-1")
    assert {region[:2] for region in load({}, {}).regions} == {"us", "ca", "sa", "eu", "ap"}
    assert not [region for region in load({}, {}).regions if region.startswith("us-gov-")]


def test_a_flag_repeated_no_times_was_not_given():
    assert load({"hosts": ()}, {}).hosts
    assert load({"hosts": ("a.example",)}, {}).hosts == ("a.example",)


@pytest.mark.parametrize(
    ("flags", "environ", "file", "message"),
    [
        pytest.param({}, {}, "prot = 1", "unknown setting `prot` in the file", id="misspelt in the file"),
        pytest.param(
            {},
            {"AUTHORITY_PROT": "1"},
            "",
            "unknown environment variable `AUTHORITY_PROT`",
            id="misspelt in the environment",
        ),
        pytest.param({"bach_limit": 1}, {}, "", "unknown flag `--bach-limit`", id="misspelt as a flag"),
        pytest.param({}, {}, "[server]\nport = 1", "unknown setting `server` in the file", id="a table in the file"),
        pytest.param({}, {}, 'config = "x"', "unknown setting `config` in the file", id="a file that names a file"),
        pytest.param({}, {}, "origins = {}", "unknown setting `origins` in the file", id="origins are not chosen"),
        pytest.param(
            {}, {"AUTHORITY_ORIGINS": "x"}, "", "`AUTHORITY_ORIGINS`", id="origins are not chosen by the environment"
        ),
        pytest.param({}, {"AUTHORITY_PORT": "x"}, "", "`port` from environment AUTHORITY_PORT", id="no number"),
        pytest.param({"port": 65_536}, {}, "", "`port` from flag --port", id="a port too high"),
        pytest.param({}, {}, "port = true", "`port` from file", id="a truth is no number"),
        pytest.param({}, {"AUTHORITY_PORT": ""}, "", "`AUTHORITY_PORT` is empty", id="an empty variable"),
        pytest.param({}, {"AUTHORITY_BODY_TIMEOUT": "nan"}, "", "`body_timeout`", id="a time that is no number"),
        pytest.param({}, {"AUTHORITY_BODY_TIMEOUT": "inf"}, "", "`body_timeout`", id="a time without end"),
        pytest.param({}, {}, "header_timeout = 0", "`header_timeout`", id="no time at all"),
        pytest.param({}, {}, "batch_limit = 0", "`batch_limit`", id="batches of nothing"),
        pytest.param({"log_level": "loud"}, {}, "", "`log_level` from flag --log-level", id="a level that is none"),
        pytest.param(
            {"database": "postgresql://host/db"}, {}, "", "only the embedded store", id="a store that is not served"
        ),
        pytest.param(
            {}, {"AUTHORITY_REGIONS": "us-east-1,nowhere"}, "", "`nowhere` is no region's name", id="no region's name"
        ),
        pytest.param(
            {"regions": ("eu-west-1",)},
            {},
            "",
            "`us-east-1` is not among `regions` from flag",
            id="a default outside the regions",
        ),
        pytest.param({}, {}, "regions = []", "`regions` from file", id="no region at all"),
        pytest.param(
            {},
            {"AUTHORITY_REGIONS": "us-east-1,eu-west-1,cn-north-1"},
            "",
            "`eu-west-1` and `cn-north-1` lie in different partitions",
            id="two partitions",
        ),
        pytest.param({"default_region": "mars-north-1"}, {}, "", "`mars-north-1` is not among", id="no known region"),
        pytest.param({}, {}, "data_dir = 5", "`data_dir` from file", id="a folder that is a number"),
        pytest.param({"admin_port": 8600}, {}, "", "8600 is `port` already", id="one port for two listeners"),
        pytest.param({}, {}, "hosts = []", "names none", id="no host to answer for"),
        pytest.param({}, {"AUTHORITY_HOSTS": "a,,b"}, "", "`hosts` from environment", id="an empty host"),
        pytest.param(
            {"database": "x", "projections": "x"}, {}, "", "three different files", id="one file for two stores"
        ),
        pytest.param(
            {"config": "missing.toml"},
            {},
            "",
            "missing.toml cannot be read: No such file",
            id="a named file that is not there",
        ),
        pytest.param({}, {}, "port = ", "is not TOML", id="no TOML"),
        pytest.param({}, {}, "port = 1\nport = 2", "is not TOML", id="a setting written twice"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name_and_source(tmp_path, flags, environ, file, message):
    if file:
        written(tmp_path, file)
    with pytest.raises(SettingsRefused) as refused:
        load(flags, environ, directory=tmp_path)
    assert message in str(refused.value)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "authority.toml").write_bytes(b'host = "\xff"')
    with pytest.raises(SettingsRefused, match="is not UTF-8"):
        load({}, {}, directory=tmp_path)


def test_the_root_key_comes_from_the_environment_only(tmp_path):
    assert load({}, {KEY: "spelled"}, directory=tmp_path).root_key.reveal() == b"spelled"
    with pytest.raises(SettingsRefused, match="cannot be a flag"):
        load({"root_key": "spelled"}, {}, directory=tmp_path)
    written(tmp_path, 'root_key = "spelled"')
    with pytest.raises(SettingsRefused, match="cannot stand in"):
        load({}, {}, directory=tmp_path)


def test_the_root_key_is_not_shown():
    chosen = load({}, {KEY: "do-not-show"})
    assert "do-not-show" not in repr(chosen)
    assert "do-not-show" not in str(chosen)
    assert chosen.origin("root_key") == "environment AUTHORITY_ROOT_KEY"


@pytest.mark.parametrize(
    ("hosts", "asked", "answered"),
    [
        pytest.param("localhost:8600", "localhost:8600", True, id="the name and port that were given"),
        pytest.param("localhost:8600", "LOCALHOST:8600", True, id="case is ignored"),
        pytest.param("localhost:8600", "localhost:8601", False, id="another port"),
        pytest.param("localhost:8600", "localhost", False, id="no port where one was given"),
        pytest.param("localhost", "localhost:1", True, id="a name alone speaks for every port"),
        pytest.param("localhost", "localhost", True, id="a name alone"),
        pytest.param("localhost", "localhost.evil.example", False, id="a longer name"),
        pytest.param("localhost", "", False, id="nothing"),
        pytest.param("[::1]", "[::1]:8600", True, id="an IPv6 address with a port"),
        pytest.param("[::1]", "[::1]", True, id="an IPv6 address alone"),
    ],
)
def test_only_the_hosts_that_were_given_are_answered_for(hosts, asked, answered):
    assert load({}, {"AUTHORITY_HOSTS": hosts}).answers_for(asked) is answered


@pytest.mark.parametrize(
    ("flags", "hosts"),
    [
        pytest.param(
            {"host": "auth.example", "port": 443},
            ("auth.example:443", "auth.example"),
            id="clients leave out the port of https",
        ),
        pytest.param({"host": "0.0.0.0"}, ("localhost:8600",), id="everywhere is no name"),
        pytest.param({"host": "fd00::1"}, ("[fd00::1]:8600",), id="an IPv6 address stands in brackets"),
        pytest.param({"port": 0}, ("localhost", "127.0.0.1"), id="a port that the system picks is not asked for"),
    ],
)
def test_the_hosts_follow_from_the_address(flags, hosts):
    chosen = load(flags, {}).hosts
    assert set(hosts) <= set(chosen)
    assert not any("0.0.0.0" in host for host in chosen)


def test_settings_do_not_change():
    with pytest.raises(AttributeError):
        load({}, {}).port = 1


def test_every_field_but_the_origins_can_be_given():
    assert set(settings.NAMES) == set(Settings.__struct_fields__) - {"origins"}


@pytest.mark.parametrize(
    "url", ["authority.example", "https://authority.example/", "https://authority.example/?a", "ftp://a", "https://a b"]
)
def test_a_public_url_that_no_path_can_follow_is_refused(tmp_path, url):
    with pytest.raises(SettingsRefused, match="public_url"):
        load({"data_dir": str(tmp_path), "public_url": url}, {})


def test_a_public_url_may_have_a_port_and_a_path(tmp_path):
    url = "http://authority.example:8600/aws"
    assert load({"data_dir": str(tmp_path), "public_url": url}, {}).public_url == url


@pytest.mark.parametrize("name", ["witness_url", "witness_key"])
def test_a_witness_has_an_address_and_a_key_or_neither(name):
    with pytest.raises(SettingsRefused, match="go together"):
        load({name: "https://witness.example"}, {})


def test_l02_no_call_says_where_anything_is_written():
    """Vault CVE-2025-6000: where its log went could be set over the API, and so a file written anywhere."""
    asked = {field.encode_name.lower() for action in ACTIONS.values() for field in fields(action.input)}
    kept = {field.name: field.type for field in fields(Settings)}
    places = {name for name, of in kept.items() if of in (Path, Path | None)} | {"log_level", "host", "admin_host"}
    assert {"data_dir", "database", "root_key_file", "catalogue"} <= places
    assert not {name for name in places if name.replace("_", "") in asked}
    # What a decision may make true is a fact, and those that hold settings hold none of these.
    assert not places & {field.name for field in fields(authority.Settings)}
