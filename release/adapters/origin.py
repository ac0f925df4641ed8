"""Checks the addresses that Headway may speak to, and shows them without what could be a secret.

This module must not open a connection; `http` and `edge` do.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import ip_address

import httpx

from release.errors import Invalid

__all__ = ["is_loopback", "is_same_origin", "parse_url", "shown"]

_USERINFO = re.compile(r"//[^/@\s]*@")


def parse_url(service: str, text: str, *, insecure_hosts: Iterable[str] = ()) -> httpx.URL:
    """Parses an absolute http(s) URL; raises Invalid when it must not be used.

    insecure_hosts: hosts, or patterns such as `*.fleet.internal`, that may be spoken to without
        TLS; loopback always may.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise Invalid("is not a URL", on=service, seen=_printable(text)) from exc
    if url.scheme not in {"http", "https"} or not url.host:
        raise Invalid(
            "is not a web address",
            on=service,
            seen=_printable(text),
            expected="https://host, with or without a path",
        )
    if url.userinfo:
        raise Invalid(
            "carries a user name in its URL",
            on=service,
            seen=shown(url),
            advice="Take it out and give the token by environment or file",
        )
    if url.scheme == "http" and not _may_be_plain(url.host, insecure_hosts):
        raise Invalid(
            "would be spoken to without TLS",
            on=service,
            seen=shown(url),
            expected="https",
            advice=f"Use https, or allow the host {url.host} by name",
        )
    return url


def shown(url: httpx.URL) -> str:
    """The address as messages show it: without user, query and fragment."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))


def is_same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether both have one scheme, host and port, the default port included."""
    return _origin(one) == _origin(other)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its very name: 127.0.0.0/8, ::1 or localhost."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _may_be_plain(host: str, insecure_hosts: Iterable[str]) -> bool:
    return is_loopback(host) or any(
        fnmatchcase(host, pattern.lower()) for pattern in insecure_hosts
    )


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    default = 443 if url.scheme == "https" else 80
    return url.scheme, url.host, url.port or default


def _printable(text: str) -> str:
    return repr(_USERINFO.sub("//", text))[:120]
