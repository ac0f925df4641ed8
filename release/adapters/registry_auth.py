"""Earns the right to talk to a registry: reads its challenges and fetches the tokens they ask for.

Credentials go to the registry's own origin and to a token server that passes `is_trusted_target`,
nowhere else. This module must not read or write any manifest, nor any file.
"""

import base64
import ipaddress
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from release.adapters.http import Http, HttpPool, Reply
from release.adapters.origin import is_loopback
from release.core.values import Secret
from release.errors import Refused, Unavailable

__all__ = [
    "Challenge",
    "Credentials",
    "RegistryAuth",
    "is_trusted_target",
    "merge_scopes",
    "parse_challenges",
]

# A scheme or parameter name, then what may follow it (RFC 9110, sections 5.6 and 11).
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a grammar, not a token
_GAP = re.compile(r"[\s,]*")
_PARAMETER = re.compile(rf'({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$))?")
_ESCAPE = re.compile(r"\\(.)")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")

_LIFETIME_DEFAULT_S = 60.0  # What the token protocol says when a token names no lifetime.
_EXPIRY_MARGIN_S = 5.0
_CLIENT_ID = "headway"
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What one registry account proves itself with.

    identity_token: a refresh token that takes the place of a password at a token server.
    """

    username: str
    password: Secret | None = None
    identity_token: Secret | None = None

    def as_basic(self) -> Secret | None:
        """The value of a Basic `Authorization` header; None without a password."""
        if self.password is None:
            return None
        pair = f"{self.username}:{self.password.reveal()}".encode()
        return Secret(f"Basic {base64.b64encode(pair).decode()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way of authenticating that a 401 offers; scheme and parameter names in lower case."""

    scheme: str
    parameters: Mapping[str, str]

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that a bearer token must cover, in the order asked."""
        return tuple(self.parameters.get("scope", "").split())


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """Reads a `WWW-Authenticate` value, which may hold several challenges and quoted commas.

    Reading ends at the first thing that is not in the grammar; what came before it counts.
    """
    found: list[tuple[str, dict[str, str]]] = []
    position = _end_of(_GAP, header, 0)
    while position < len(header):
        if found and (parameter := _PARAMETER.match(header, position)):
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else _ESCAPE.sub(r"\1", quoted)
            found[-1][1].setdefault(name.lower(), value)
            position = _end_of(_GAP, header, parameter.end())
        elif scheme := _SCHEME.match(header, position):
            found.append((scheme[1].lower(), {}))
            position = _end_of(_GAP, header, scheme.end())
        else:
            break
    return tuple(Challenge(scheme=name, parameters=values) for name, values in found)


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def merge_scopes(*groups: Sequence[str]) -> tuple[str, ...]:
    """Joins scopes into one for each resource, the first group's first.

    The order matters, as some token servers look at the first scope alone.
    """
    actions: dict[str, dict[str, None]] = {}
    for scope in (scope for group in groups for scope in group):
        resource, _, wanted = scope.rpartition(":")
        actions.setdefault(resource, {}).update(dict.fromkeys(wanted.split(",")))
    return tuple(f"{resource}:{','.join(wanted)}" for resource, wanted in actions.items())


def is_trusted_target(registry_url: str, target: str) -> bool:
    """Whether we go where a registry sends us: to its token server, or to the storage behind it.

    Trusted: https, but not to the runner's own machine or to its cloud's metadata; the registry's
    own host, unless that gives up TLS; loopback, for a registry on loopback.
    """
    try:
        ours, theirs = urlsplit(registry_url), urlsplit(target)
    except ValueError:
        return False
    if theirs.scheme not in {"http", "https"} or not theirs.hostname or "@" in theirs.netloc:
        return False
    if is_loopback(theirs.hostname):
        return is_loopback(ours.hostname or "")
    if theirs.scheme == "http":
        return ours.scheme == "http" and ours.hostname == theirs.hostname
    return ours.hostname == theirs.hostname or not _is_link_local(theirs.hostname)


def _is_link_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_link_local
    except ValueError:
        return False


class _Grant(NamedTuple):
    """What one repository's requests carry: the header, what it covers and how long."""

    header: Secret
    scopes: tuple[str, ...]
    expires_s: float


class RegistryAuth:
    """Answers the challenges of one registry and keeps the tokens it earned, by repository.

    Without credentials it asks for anonymous tokens, which is how public images are read.
    """

    def __init__(
        self, pool: HttpPool, base_url: str, *, credentials: Credentials | None = None
    ) -> None:
        self._pool = pool
        self._base_url = base_url
        self._credentials = credentials
        self._grants: dict[str, _Grant] = {}

    async def authorization(self, repository: str) -> Secret | None:
        """The header to send with a request on the repository; None when none is known yet.

        What it covers may be too little for a write; the registry then challenges, and `answer`
        earns more.
        """
        grant = self._grants.get(repository)
        if grant is None or await self._pool.clock.now_s() >= grant.expires_s:
            return None
        return grant.header

    async def answer(self, repository: str, challenged: Reply) -> Secret:
        """Earns the header that a 401 on the repository asks for; a read, safe to repeat.

        Raises Refused when it offers no way that we can go or the token server says no, and
        Unavailable when that can't be reached.
        """
        challenges = parse_challenges(challenged.headers.get("www-authenticate", ""))
        offered = {challenge.scheme: challenge for challenge in reversed(challenges)}
        if "bearer" in offered:
            grant = await self._fetch(repository, offered["bearer"])
        elif "basic" in offered:
            grant = _Grant(self._basic(), (), math.inf)
        else:
            raise Refused(
                "the registry asks for a login that is not understood",
                on=self._base_url,
                seen=", ".join(offered) or "a 401 without a challenge",
                expected="Bearer or Basic",
            )
        self._grants[repository] = grant
        return grant.header

    def _basic(self) -> Secret:
        header = self._credentials.as_basic() if self._credentials else None
        if header is None:
            raise Refused(
                "the registry asks for a user name and password, and none are known",
                on=self._base_url,
                safe="nothing was changed",
                advice="Add them to docker's configuration with `docker login`",
            )
        return header

    async def _fetch(self, repository: str, challenge: Challenge) -> _Grant:
        realm = challenge.parameters.get("realm", "")
        if not is_trusted_target(self._base_url, realm):
            raise Refused(
                "the registry names a token server that gets no credentials",
                on=self._base_url,
                seen=f"realm {realm.partition('?')[0][:120]!r}",
                expected="https, or the registry's own host",
                safe="nothing was sent to it",
            )
        held = self._grants.get(repository)
        scopes = merge_scopes(challenge.scopes, held.scopes if held else ())
        asked_s = await self._pool.clock.now_s()
        reply = await self._ask(realm, challenge.parameters.get("service", ""), scopes)
        token, lifetime_s = _read_token(reply, self._token_service)
        usable_s = lifetime_s - min(_EXPIRY_MARGIN_S, lifetime_s / 2)
        return _Grant(Secret(f"Bearer {token}"), scopes, asked_s + usable_s)

    @property
    def _token_service(self) -> str:
        return f"token server of {urlsplit(self._base_url).netloc}"

    async def _ask(self, realm: str, service: str, scopes: tuple[str, ...]) -> Reply:
        """Asks with a refresh token by POST, with a password or as nobody by GET."""
        http = Http(self._pool, self._token_service, realm.partition("?")[0])
        known = self._credentials
        fields = [("service", service)] if service else []
        if known and known.identity_token:
            fields += [("grant_type", "refresh_token"), ("client_id", _CLIENT_ID)]
            fields += [("scope", " ".join(scopes))] if scopes else []
            fields.append(("refresh_token", known.identity_token.reveal()))
            reply = await http.read(
                realm,
                method="POST",
                headers={"content-type": "application/x-www-form-urlencoded"},
                content=urlencode(fields).encode(),
            )
        else:
            basic = known.as_basic() if known else None
            fields += [("scope", scope) for scope in scopes]
            fields += [("account", known.username)] if known and basic else []
            headers = {"authorization": basic} if basic else {}
            reply = await http.read(realm, params=fields, headers=headers)
        if reply.status == _OK:
            return reply
        raise Refused(
            "gave no token",
            on=self._token_service,
            seen=f"HTTP {reply.status} for scope {' '.join(scopes) or 'none'}",
            safe="nothing was changed",
            advice="Check the account, and that it may use this repository",
        )


def _read_token(reply: Reply, service: str) -> tuple[str, float]:
    """The token and its lifetime in seconds; servers use either of two names for the token."""
    said = reply.json(service)
    fields = said if isinstance(said, dict) else {}
    token = fields.get("token") or fields.get("access_token")
    if not isinstance(token, str) or not _PRINTABLE.fullmatch(token):
        raise Unavailable("the answer holds no token", on=service, expected="token or access_token")
    lifetime_s = fields.get("expires_in")
    if isinstance(lifetime_s, int | float) and 0 < lifetime_s < math.inf:
        return token, float(lifetime_s)
    return token, _LIFETIME_DEFAULT_S
