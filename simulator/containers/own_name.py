"""Asks the engine's name server what this container is called, with its number in its service.

The system's own look-up would answer from the container's hosts file, which knows it by its id
alone. This module must not look up anything else.
"""

import socket
import struct
import time
from itertools import count
from pathlib import Path

from release.errors import Unavailable

__all__ = ["own_name", "parse_name"]

_RESOLV = Path("/etc/resolv.conf")
_PORT = 53
_ANSWER_S = 2.0
_TRIES, _AGAIN_S = 40, 0.5
"""A busy engine tells its name server of a container a while after it has started it."""

_ID = 2213
_PTR, _INTERNET = 12, 1
_RECURSE = 0x0100
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_POINTER = 0xC0
_DATAGRAM_BYTES = 1024


def own_name() -> str:
    """The name such as `headway-tenant-3.headway_default`; raises Unavailable."""
    address = socket.gethostbyname(socket.gethostname())
    lines = [line.split() for line in _RESOLV.read_text("utf-8").splitlines()]
    servers = [words[1] for words in lines if words[:1] == ["nameserver"]]
    if not servers:
        raise Unavailable("names no name server", on=str(_RESOLV))
    for attempt in count(1):
        try:
            return _ask(servers[0], address)
        except (OSError, IndexError, struct.error) as exc:
            if attempt == _TRIES:
                raise Unavailable("is not known by name", on=address, seen=str(exc)) from exc
            time.sleep(_AGAIN_S)
    raise AssertionError("the last attempt returns or raises")


def _ask(server: str, address: str) -> str:
    labels = [*reversed(address.split(".")), "in-addr", "arpa"]
    question = b"".join(bytes([len(one)]) + one.encode() for one in labels) + b"\0"
    question += struct.pack("!HH", _PTR, _INTERNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(_ANSWER_S)
        asking.sendto(_HEADER.pack(_ID, _RECURSE, 1, 0, 0, 0) + question, (server, _PORT))
        return parse_name(asking.recv(_DATAGRAM_BYTES), len(question))


def parse_name(answer: bytes, question_bytes: int) -> str:
    """The name in the first record of an answer; raises OSError when there is none."""
    answers = _HEADER.unpack_from(answer)[3]
    if not answers:
        raise OSError("the name server knows no name")
    at = _HEADER.size + question_bytes
    at = _after_name(answer, at) + _RECORD.size
    labels = []
    while answer[at]:
        if answer[at] >= _POINTER:
            at = struct.unpack_from("!H", answer, at)[0] & 0x3FFF
            continue
        labels.append(answer[at + 1 : at + 1 + answer[at]].decode("ascii"))
        at += 1 + answer[at]
    return ".".join(labels)


def _after_name(answer: bytes, at: int) -> int:
    while answer[at]:
        if answer[at] >= _POINTER:
            return at + 2
        at += 1 + answer[at]
    return at + 1
