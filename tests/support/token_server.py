"""A token server on loopback, as registries with bearer authentication name in their challenges.

It must not be lenient: nobody gets more than pull, a wrong password gets nothing.
"""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

__all__ = ["TokenServer"]

_LIFETIME_S = 300
_COORDINATE_BYTES = 32


class TokenServer:
    """Grants one account everything that it asks for, and anybody else what may be pulled."""

    issuer = "tokens-of-the-tests"
    service = "registry-of-the-tests"

    def __init__(self, *, username: str, password: str, refresh_token: str) -> None:
        pair = f"{username}:{password}".encode()
        self.asked: list[tuple[str, ...]] = []
        self._basic = f"Basic {base64.b64encode(pair).decode()}"
        self._refresh_token = refresh_token
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _certify(self._key)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def realm(self) -> str:
        """Where tokens are had."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/token"

    @property
    def certificate_pem(self) -> bytes:
        """What a registry checks the tokens with."""
        return self._certificate.public_bytes(Encoding.PEM)

    def answer(self, fields: dict[str, list[str]], authorization: str | None) -> str | None:
        """The token for what was asked; None for a login that is wrong."""
        scopes = tuple(scope for value in fields.get("scope", ()) for scope in value.split())
        self.asked.append(scopes)
        if fields.get("grant_type") == ["refresh_token"]:
            known = fields.get("refresh_token") == [self._refresh_token]
        else:
            known = authorization == self._basic
            if authorization is not None and not known:
                return None
        return self.grant(*scopes, may_push=known)

    def grant(self, *scopes: str, may_push: bool = True) -> str:
        """A signed token for the scopes, or for as much of them as nobody in particular gets."""
        allowed = None if may_push else {"pull"}
        access = [_access(scope, allowed) for scope in scopes]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "somebody",
            "aud": self.service,
            "iat": now,
            "nbf": now - 10,
            "exp": now + _LIFETIME_S,
            "jti": str(len(self.asked)),
            "access": access,
        }
        return self._sign(claims)

    def _sign(self, claims: dict[str, object]) -> str:
        chain = [base64.b64encode(self._certificate.public_bytes(Encoding.DER)).decode()]
        header = {"typ": "JWT", "alg": "ES256", "x5c": chain}
        signed = b".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self._key.sign(signed, ec.ECDSA(hashes.SHA256())))
        raw = r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
        return f"{signed.decode()}.{_base64url(raw).decode()}"


def _access(scope: str, allowed: set[str] | None) -> dict[str, object]:
    kind, name, actions = scope.split(":")
    granted = [one for one in actions.split(",") if allowed is None or one in allowed]
    return {"type": kind, "name": name, "actions": granted}


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _certify(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens of the tests")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


def _handler_for(tokens: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers["content-length"])).decode())

        def _reply(self, fields: str) -> None:
            token = tokens.answer(parse_qs(fields), self.headers.get("authorization"))
            said = {"token": token, "expires_in": _LIFETIME_S} if token else {"details": "wrong"}
            body = json.dumps(said).encode()
            self.send_response(200 if token else 401)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keeps the output of the tests clean."""

    return Handler
