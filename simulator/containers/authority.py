"""Lets only whoever holds the simulation's control token move a service, and tells why it can't.

This module must not know what is moved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from release.errors import HeadwayError, OutcomeUnknown, Unavailable
from simulator.apps.exchange import Exchange, bearer_of
from simulator.containers.settings import Settings
from simulator.wire import Refusal

__all__ = ["as_refusal", "control_body"]


def control_body(exchange: Exchange, settings: Settings) -> dict[str, Any]:
    """The JSON object that an authorized POST carries; raises Refusal 400, 401 and 405."""
    if exchange.method != "POST":
        raise Refusal(405, {"error": "use POST"})
    if bearer_of(exchange, "bearer") != settings.tokens.control:
        raise Refusal(401, {"error": "the control token is required"})
    body = exchange.json()
    if not isinstance(body, dict):
        raise Refusal(400, {"error": "the body must be an object"})
    return body


@contextmanager
def as_refusal() -> Iterator[None]:
    """Answers 503 for what can't be reached, and 400 for words that make no sense."""
    try:
        yield
    except (OutcomeUnknown, Unavailable) as exc:
        raise Refusal(503, {"error": str(exc)}) from exc
    except (HeadwayError, KeyError, TypeError, ValueError) as exc:
        raise Refusal(400, {"error": f"{type(exc).__name__}: {exc}"}) from exc
