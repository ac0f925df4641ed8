"""What is read out of docker's configuration file, and that nothing secret is told."""

import base64
import json
import traceback
from pathlib import Path

import pytest

from release.adapters.docker_config import read_credentials
from release.adapters.registry_auth import Credentials
from release.core.values import Secret
from release.errors import HeadwayError, Invalid, Unavailable

PASSWORD = "pw-7c2e91"  # Made up.
PACKED = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
ROBOT = Credentials(username="robot", password=Secret(PASSWORD))
HUB = "https://index.docker.io/v1/"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where the configuration of the test is written."""
    return tmp_path / "config.json"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched for credential helpers before any other."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def write_helper(programs: Path, script: str) -> None:
    """Installs `docker-credential-vault`, a shell script."""
    program = programs / "docker-credential-vault"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def stored(username: str, secret: str) -> str:
    """A script that keeps what it was asked, then answers as helpers do."""
    answer = json.dumps({"ServerURL": "x", "Username": username, "Secret": secret})
    return f'echo "$1 $(cat)" > "$(dirname "$0")/asked"\necho \'{answer}\''


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"auth": PACKED}, ROBOT),
        ({"username": "robot", "password": PASSWORD}, ROBOT),
        ({"auth": base64.b64encode(f"robot:{PASSWORD}\0".encode()).decode()}, ROBOT),
        (
            {"auth": base64.b64encode(b"robot:").decode(), "identitytoken": PASSWORD},
            Credentials(username="robot", identity_token=Secret(PASSWORD)),
        ),
        ({"username": "robot"}, None),
        ({}, None),
    ],
)
def test_entry_of_the_file_is_read(
    config: Path, entry: dict[str, str], expected: Credentials | None
) -> None:
    """An entry holds a packed pair, a plain pair or an identity token; an empty one, nothing."""
    config.write_text(json.dumps({"auths": {"registry.example:5000": entry}}))

    assert read_credentials(config, "registry.example:5000") == expected


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("registry.example", "https://registry.example"),
        ("https://registry.example", "registry.example"),
        ("https://registry.example/v1/", "REGISTRY.example"),
        (HUB, "docker.io"),
        (HUB, "https://registry-1.docker.io"),
        ("docker.io", "index.docker.io"),
    ],
)
def test_registry_is_found_under_the_names_that_docker_writes(
    config: Path, key: str, registry: str
) -> None:
    """Scheme, path and case do not matter, and docker.io has its old name."""
    config.write_text(json.dumps({"auths": {"other.example": {}, key: {"auth": PACKED}}}))

    assert read_credentials(config, registry) == ROBOT


def test_exact_name_comes_before_a_loose_one(config: Path) -> None:
    """Of two entries for a host the one with its very name counts."""
    loose = {"username": "loose", "password": "x"}
    auths = {"https://registry.example/": loose, "registry.example": {"auth": PACKED}}
    config.write_text(json.dumps({"auths": auths}))

    assert read_credentials(config, "registry.example") == ROBOT


def test_registry_that_is_not_in_the_file_has_no_credentials(config: Path) -> None:
    """No file and no entry mean that nothing is known, which is no error."""
    assert read_credentials(config, "registry.example") is None

    config.write_text(json.dumps({"auths": {"other.example": {"auth": PACKED}}}))

    assert read_credentials(config, "registry.example") is None


@pytest.mark.parametrize(
    ("registry", "server"), [("registry.example", "registry.example"), ("docker.io", HUB)]
)
def test_helper_is_asked_with_the_server_on_its_input(
    config: Path, programs: Path, registry: str, server: str
) -> None:
    """`docker-credential-X get` reads the server's name and prints name and secret."""
    write_helper(programs, stored("robot", PASSWORD))
    config.write_text(json.dumps({"credsStore": "vault", "auths": {registry: {}}}))

    assert read_credentials(config, registry) == ROBOT
    assert (programs / "asked").read_text() == f"get {server}\n"


def test_helper_of_the_registry_comes_before_the_store_and_the_file(
    config: Path, programs: Path
) -> None:
    """Docker asks a registry's own helper first."""
    write_helper(programs, stored("robot", PASSWORD))
    other = {"registry.example": {"username": "other", "password": "x"}}
    helpers = {"registry.example": "vault"}
    config.write_text(json.dumps({"credHelpers": helpers, "credsStore": "missing", "auths": other}))

    assert read_credentials(config, "https://registry.example") == ROBOT


def test_helper_that_names_the_token_user_gives_an_identity_token(
    config: Path, programs: Path
) -> None:
    """The user `<token>` says that the secret is no password."""
    write_helper(programs, stored("<token>", PASSWORD))
    config.write_text(json.dumps({"credsStore": "vault"}))

    assert read_credentials(config, "registry.example") == Credentials(
        username="<token>", identity_token=Secret(PASSWORD)
    )


def test_helper_that_stores_nothing_leaves_the_file_to_answer(config: Path, programs: Path) -> None:
    """The one failure that means `unknown` falls back to the entries of the file."""
    write_helper(programs, "echo 'credentials not found in native keychain'; exit 1")
    auths = {"registry.example": {"auth": PACKED}}
    config.write_text(json.dumps({"credsStore": "vault", "auths": auths}))

    assert read_credentials(config, "registry.example") == ROBOT


@pytest.mark.parametrize(
    "script",
    [
        f"echo {PASSWORD}; echo {PASSWORD} >&2; exit 1",
        f"echo {PASSWORD}",
        "echo '{}'",
        "exec sleep 60",
    ],
)
def test_helper_that_fails_is_an_error_without_its_output(
    config: Path, programs: Path, script: str
) -> None:
    """A failure, a strange answer and silence are told by the helper's name, never its words."""
    write_helper(programs, script)
    config.write_text(json.dumps({"credsStore": "vault"}))

    with pytest.raises(Unavailable, match="docker-credential-vault") as caught:
        read_credentials(config, "registry.example", helper_timeout_s=0.5)

    assert_untold(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"auths": ' + PASSWORD,
        f'["{PASSWORD}"]',
        f'{{"auths": ["{PASSWORD}"]}}',
        f'{{"auths": {{"registry.example": {{"auth": "*{PASSWORD}"}}}}}}',
        '{"auths": {"registry.example": {"auth": 7}}}',
        '{"credsStore": "../vault"}',
        '{"credsStore": 7}',
        '{"credsStore": "not-installed"}',
    ],
)
def test_file_that_makes_no_sense_is_invalid_without_its_content(
    config: Path, programs: Path, text: str
) -> None:
    """A malformed file, or a helper that is not there, is named, and nothing of it is shown."""
    config.write_text(text)

    with pytest.raises(Invalid) as caught:
        read_credentials(config, "registry.example")

    assert_untold(caught.value)


def assert_untold(error: HeadwayError) -> None:
    """Looks for the secret in all that a traceback would show."""
    told = "".join(traceback.format_exception(error))
    # The line of source that raised is shown too; it names the variable, not the value.
    assert PASSWORD not in told
