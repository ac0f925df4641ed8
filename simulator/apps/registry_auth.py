"""Lets requests into the registry: passwords, challenges, and the token server itself.

This module must not read a manifest.
"""

from urllib.parse import parse_qsl

from simulator.apps.exchange import Exchange, Response, bearer_of, json_response, password_of
from simulator.apps.tokens import RegistryLogin, TokenDesk, Tokens
from simulator.wire import Refusal

__all__ = ["admit", "answer_token", "challenge", "scope_of"]

_SERVICE = "headway-simulator"


def admit(exchange: Exchange, login: RegistryLogin, *, tokens: Tokens, desk: TokenDesk) -> None:
    """Raises Refusal 401 with a challenge unless the request may do what it asks for."""
    match login:
        case RegistryLogin.OPEN:
            return
        case RegistryLogin.BASIC:
            if not _knows_password(exchange, tokens):
                raise challenge(exchange, login)
        case RegistryLogin.BEARER:
            token = bearer_of(exchange, "bearer")
            if token is None:
                raise challenge(exchange, login)
            fault = desk.find_fault(token, scope_of(exchange))
            if fault:
                raise challenge(exchange, login, fault=fault)


def challenge(exchange: Exchange, login: RegistryLogin, *, fault: str = "") -> Refusal:
    """The 401 that says how to come back with the right thing."""
    if login is RegistryLogin.BASIC:
        header = 'Basic realm="headway simulator"'
    else:
        header = f'Bearer realm="{exchange.origin}/token",service="{_SERVICE}"'
        if scope := scope_of(exchange):
            header += f',scope="{scope}"'
        if fault:
            header += f',error="{fault}"'
    errors = [{"code": "UNAUTHORIZED", "message": "authentication required", "detail": None}]
    return Refusal(401, {"errors": errors}, headers={"www-authenticate": header})


def scope_of(exchange: Exchange) -> str:
    """The scope that a request needs; empty for the version check."""
    name = "/".join(exchange.path[1:-2])
    if not name:
        return ""
    actions = {"PUT": "pull,push", "POST": "pull,push", "DELETE": "delete"}
    return f"repository:{name}:{actions.get(exchange.method, 'pull')}"


def answer_token(exchange: Exchange, tokens: Tokens, desk: TokenDesk) -> Response:
    """Hands out a token to whoever knows the password; raises Refusal 401."""
    if not _knows_password(exchange, tokens):
        raise Refusal(
            401,
            {"errors": [{"code": "UNAUTHORIZED", "message": "wrong user name or password"}]},
            headers={"www-authenticate": 'Basic realm="headway simulator"'},
        )
    pairs = parse_qsl(exchange.raw_query)
    scopes = [scope for name, value in pairs if name == "scope" for scope in value.split()]
    token = desk.grant(scopes)
    answer = {"token": token, "access_token": token, "expires_in": int(desk.lifetime_s)}
    return json_response(answer)


def _knows_password(exchange: Exchange, tokens: Tokens) -> bool:
    return password_of(exchange) == (tokens.registry_user, tokens.registry_password)
