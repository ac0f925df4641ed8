"""The guard that keeps tests on this machine.

This module must not know pytest; `conftest` closes the guard around each test.
"""

import ipaddress

__all__ = ["BlockedNetworkError", "Guard", "is_loopback"]

_CONNECTING = frozenset({"socket.connect", "socket.sendmsg", "socket.sendto"})
_INTERNET_ADDRESS_LENGTHS = (2, 4)
_LOOPBACK_NAMES = frozenset({"", "localhost", "localhost.localdomain"})


class BlockedNetworkError(RuntimeError):
    """A test without the mark `network` reached for another machine."""


class Guard:
    """Sees every socket operation of the process and refuses those that leave the machine.

    An audit hook can't be removed once it is added, so one guard serves the whole run and is told
    when a test may pass.
    """

    def __init__(self) -> None:
        self.is_open = True
        self.refused: list[str] = []

    def see(self, event: str, arguments: tuple[object, ...]) -> None:
        """Takes an audit event, and raises for one that reaches out while the guard is closed."""
        if self.is_open:
            return
        if event in _CONNECTING:
            host = _host(arguments[-1])
        elif event == "socket.getaddrinfo":
            host = arguments[0]
        else:
            return
        if not is_loopback(host):
            self.refused.append(f"{event} to {host!r}")
            raise BlockedNetworkError(
                f"{self.refused[-1]}; mark the test with `network` to allow it"
            )


def _host(address: object) -> object:
    """The host of an internet address; None for the address of any other kind of socket."""
    is_internet = isinstance(address, tuple) and len(address) in _INTERNET_ADDRESS_LENGTHS
    return address[0] if is_internet and isinstance(address, tuple) else None


def is_loopback(host: object) -> bool:
    """Whether a host, as socket functions take it, is this machine; None is."""
    text = host.decode() if isinstance(host, bytes) else host
    if text is None or text in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(text).partition("%")[0]).is_loopback
    except ValueError:
        return False
