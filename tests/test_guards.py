"""The guards that every test runs under do guard."""

import os
import socket

import pytest

from tests.support.network_guard import BlockedNetworkError, Guard, is_loopback

OUTSIDE = "192.0.2.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", b"localhost", None])
def test_host_of_this_machine_is_loopback(host: object) -> None:
    """Every address of 127/8, ::1 and the name localhost are this machine."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", [OUTSIDE, "10.0.0.1", "example.invalid", "::2"])
def test_any_other_host_is_not_loopback(host: object) -> None:
    """A private address and a name that nobody has looked up are other machines."""
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, (OUTSIDE, 443))),
        ("socket.connect", (None, ("2001:db8::1", 443, 0, 0))),
        ("socket.sendto", (None, (OUTSIDE, 53))),
        ("socket.getaddrinfo", ("example.invalid", 443, 0, 0, 0)),
    ],
)
def test_reach_for_another_machine_is_refused_and_noted(
    event: str, arguments: tuple[object, ...]
) -> None:
    """A closed guard raises, and remembers it for the case that the code under test catches it."""
    guard = Guard()
    guard.is_open = False

    with pytest.raises(BlockedNetworkError):
        guard.see(event, arguments)

    assert 1 == len(guard.refused)


def test_open_guard_lets_everything_pass() -> None:
    """A test with the mark `network` is let through."""
    guard = Guard()

    guard.see("socket.connect", (None, (OUTSIDE, 443)))

    assert [] == guard.refused


def test_guard_of_this_run_sees_real_sockets(network_guard: Guard) -> None:
    """The guard is in force while an ordinary test runs."""
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    with ours, pytest.raises(BlockedNetworkError):
        ours.connect((OUTSIDE, 9))

    assert 1 == len(network_guard.refused)
    network_guard.refused.clear()


def test_loopback_is_free() -> None:
    """A test may talk to servers of its own on this machine."""
    server = socket.create_server(("127.0.0.1", 0))

    with server, socket.create_connection(server.getsockname()) as connection:
        assert server.getsockname() == connection.getpeername()


def test_variables_of_ci_are_hidden() -> None:
    """A test sees the same environment in CI as at home."""
    assert "CI" not in os.environ
    assert not [name for name in os.environ if name.startswith(("GITHUB_", "HEADWAY_"))]
