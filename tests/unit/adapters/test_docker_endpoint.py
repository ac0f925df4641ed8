"""Where an engine is reached: what docker's own client would make of the same words."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from release.adapters.docker_endpoint import Endpoint, TlsFiles, find_endpoint
from release.errors import Invalid

SOCKET = "unix:///var/run/docker.sock"


def write_context(folder: Path, name: str, url: str) -> Path:
    """Writes a context as docker does; returns the folder for its TLS files."""
    key = sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / key / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": url}}}))
    return folder / "contexts" / "tls" / key / "docker"


def write_tls(folder: Path) -> TlsFiles:
    """Writes three files, whatever is in them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = TlsFiles.within(folder)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text("pem")
    return files


def test_default_is_the_socket_of_this_machine(tmp_path: Path) -> None:
    """Where docker was told nothing, neither are we."""
    assert SOCKET == find_endpoint("default", {}, docker_folder=tmp_path).url


def test_default_is_what_docker_host_says(tmp_path: Path) -> None:
    """DOCKER_HOST goes over every context."""
    variables = {"DOCKER_HOST": "ssh://ops@one.example.com", "DOCKER_CONTEXT": "two"}

    found = find_endpoint("default", variables, docker_folder=tmp_path)

    assert Endpoint(name="default", url="ssh://ops@one.example.com") == found


@pytest.mark.parametrize("is_by_variable", [True, False])
def test_default_is_the_context_that_docker_uses(tmp_path: Path, is_by_variable: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """DOCKER_CONTEXT, or else what docker wrote down with `docker context use`."""
    write_context(tmp_path, "prod", "ssh://ops@prod.example.com")
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "prod"}))
    variables = {"DOCKER_CONTEXT": "prod"} if is_by_variable else {}

    found = find_endpoint("default", variables, docker_folder=tmp_path)

    assert Endpoint(name="prod", url="ssh://ops@prod.example.com") == found


def test_context_brings_its_own_certificates(tmp_path: Path) -> None:
    """A context of a TLS host has the three files that docker keeps with it."""
    files = write_tls(write_context(tmp_path, "prod", "tcp://prod.example.com:2376"))

    found = find_endpoint("prod", {}, docker_folder=tmp_path)

    assert Endpoint(name="prod", url="tcp://prod.example.com:2376", tls=files) == found


def test_url_takes_the_certificates_that_are_set(tmp_path: Path) -> None:
    """Those of the settings go over the folder that DOCKER_CERT_PATH names."""
    ours, other = write_tls(tmp_path / "ours"), write_tls(tmp_path / "other")
    variables = {"DOCKER_CERT_PATH": str(tmp_path / "other")}
    url = "tcp://one.example.com:2376"

    found = find_endpoint(url, variables, docker_folder=tmp_path, tls=ours)
    without = find_endpoint(url, variables, docker_folder=tmp_path)

    assert (ours, other) == (found.tls, without.tls)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "is no docker context of this machine"),
        ("tcp://one.example.com:2375", "would be spoken to without TLS"),
    ],
)
def test_engine_that_can_not_be_used_is_named(tmp_path: Path, name: str, said: str) -> None:
    """A context that is not there, and a foreign host without TLS, are refused before anything."""
    with pytest.raises(Invalid, match=said) as problem:
        find_endpoint(name, {}, docker_folder=tmp_path)

    assert name in str(problem.value)


def test_missing_certificate_is_named(tmp_path: Path) -> None:
    """The first file that is not there is what to look for."""
    write_tls(tmp_path)
    (tmp_path / "key.pem").unlink()

    with pytest.raises(Invalid, match=r"lacks a file.*key\.pem"):
        find_endpoint(
            "tcp://one.example.com:2376",
            {"DOCKER_CERT_PATH": str(tmp_path)},
            docker_folder=tmp_path,
        )


def test_loopback_needs_no_certificate(tmp_path: Path) -> None:
    """Nobody is between us and this machine."""
    found = find_endpoint("tcp://127.0.0.1:2375", {}, docker_folder=tmp_path)

    assert found.tls is None
