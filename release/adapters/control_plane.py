"""A fleet behind a control plane: lists tenants by a dry run, moves them by one scoped call.

This module must not repeat a redeploy, nor take a tenant for moved without every sign of it.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import StrictBool, StrictInt, StrictStr, TypeAdapter, ValidationError

from release.adapters.http import Http, Reply, refused
from release.adapters.in_flight import InFlight
from release.core.sighting import Candidates, Fencing, Redeployed, Row, RowState
from release.core.values import Release, Tenant
from release.errors import FenceRefused, Invalid, OutcomeUnknown, Refused, Unavailable

__all__ = ["ControlPlaneFleet"]

_PATH = "/cp/admin/tenants/redeploy-fleet"
_NOTE_MAX = 300
_OK = 200
_FENCED_OFF = 412
_REFUSALS = range(400, 500)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\uffff]+")
_FENCING = {"landing": Fencing.LANDING, "door": Fencing.DOOR}
_DRY = frozenset({None, "", "DryRun"})
_FINAL = frozenset({"Success", "Failed"})
# Behind one of these, a command ran on the tenant, or may still run there.
_RAN = _FINAL | {"TimedOut"}
_Wire = TypeVar("_Wire")
_WORST_FIRST = (RowState.UNANSWERED, RowState.FAILED, RowState.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _WireRow:
    slug: StrictStr
    ssm_status: StrictStr | None = None
    ssm_exit_code: StrictInt | None = None
    healthz_ok: StrictBool | None = None
    verified_on_target: StrictBool | None = None
    running_image: StrictStr | None = None
    error: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _WireAnswer:
    ok: StrictBool
    results: tuple[Any, ...]
    error: Any = None
    fenced: Any = None

    @property
    def fencing(self) -> Fencing:
        known = self.fenced if isinstance(self.fenced, str) else ""
        return _FENCING.get(known, Fencing.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _WireFence:
    fence_seen: StrictInt


_ROW = TypeAdapter(_WireRow)
_ANSWER = TypeAdapter(_WireAnswer)
_FENCE = TypeAdapter(_WireFence)


class ControlPlaneFleet:
    """Keeps the promise of `ports.Fleet` over the control plane's HTTP contract.

    http: the control plane's address, with the bearer token among its headers.
    environment: names the ledger that our epochs belong to.
    timeout_s: how long one redeploy may take to answer; past it, its outcome is unknown.
    """

    def __init__(self, http: Http, *, environment: str, timeout_s: float) -> None:
        self._http = http
        self._environment = environment
        self._timeout_s = timeout_s
        self._in_flight: InFlight[Redeployed] = InFlight()

    async def candidates(self, release: Release, *, epoch: int | None) -> Candidates:
        """Lists the fleet by a dry run, which is a read; see `ports.Fleet`."""
        fence = {} if epoch is None else {"fence": epoch}
        # Soak and batch size stay at their careful defaults, should `dry_run` not be understood.
        content = self._content(release, dry_run=True, **fence)
        reply = await self._http.read(
            _PATH, method="POST", headers={"content-type": "application/json"}, content=content
        )
        self._raise_refusal(reply)
        answer = _parse(_ANSWER, reply.body) if reply.status == _OK else None
        if answer is None:
            raise Unavailable(
                "answered the dry run with something else than its contract",
                on=self._http.service,
                seen=self._seen(reply),
                safe="nothing was changed",
            )
        return Candidates(tenants=self._listed(answer), fencing=answer.fencing)

    async def redeploy(
        self, release: Release, tenants: tuple[Tenant, ...], *, epoch: int, phase: str
    ) -> Redeployed:
        """Moves exactly these tenants by one call, sent once; see `ports.Fleet`.

        phase: not sent; the control plane numbers the phases of its own rollouts only.
        """
        assert tenants, "a redeploy without scope would move the whole fleet"
        return await self._in_flight.send(self._send(release, tenants, epoch=epoch, phase=phase))

    async def late_answer(self, within_s: float) -> Redeployed | None:
        """Waits for the answer to a redeploy whose wait was cancelled; see `ports.Fleet`."""
        return await self._in_flight.late_answer(within_s)

    async def _send(
        self, release: Release, tenants: tuple[Tenant, ...], *, epoch: int, phase: str
    ) -> Redeployed:
        content = self._content(
            release,
            dry_run=False,
            only_slugs=[tenant.slug for tenant in tenants],
            soak_seconds=0,
            batch_size=len(tenants),
            fence=epoch,
        )
        reply = await self._http.effect(
            "POST",
            _PATH,
            headers={"content-type": "application/json"},
            content=content,
            timeout_s=self._timeout_s,
        )
        self._raise_refusal(reply)
        answer = _parse(_ANSWER, reply.body) if reply.status == _OK else None
        if answer is None:
            raise OutcomeUnknown(
                "answered the redeploy with something else than its contract",
                on=f"{self._http.service}, {phase}",
                seen=self._seen(reply),
                safe=f"any of its {len(tenants)} tenants may have moved, or may still move",
                advice="Look at what they serve before anything is repeated",
            )
        return Redeployed(rows=self._judged(answer, tenants), fencing=answer.fencing)

    def _content(self, release: Release, **fields: object) -> bytes:
        asked = {
            "target_tag": release.tag,
            "confirm": True,
            "environment": self._environment,
            **fields,
        }
        return json.dumps(asked).encode()

    def _raise_refusal(self, reply: Reply) -> None:
        if reply.status == _FENCED_OFF:
            fence = _parse(_FENCE, reply.body)
            if fence is not None:
                raise FenceRefused(fence.fence_seen, on=self._http.service)
        if reply.status in _REFUSALS:
            advice = "Look at its token" if reply.status in {401, 403} else ""
            raise refused(self._http.service, reply, advice=advice)

    def _listed(self, answer: _WireAnswer) -> tuple[Tenant, ...]:
        if not answer.ok:
            raise self._unlisted("could not list its tenants", self._text(answer.error))
        tenants: dict[str, Tenant] = {}
        for plain in answer.results:
            row = _parse_row(plain)
            if row is None:
                raise self._unlisted("lists a tenant in an unknown form", self._text(plain))
            if row.ssm_status not in _DRY:
                raise self._unlisted(
                    f"answered a dry run with a row that is none, for {row.slug!r}",
                    self._text(row.ssm_status),
                    safe="it may have moved that tenant",
                )
            try:
                tenant = Tenant(row.slug)
            except Invalid as exc:
                raise self._unlisted("lists what can't be a tenant", repr(row.slug)) from exc
            if tenants.setdefault(tenant.slug.lower(), tenant) is not tenant:
                raise self._unlisted("lists a tenant twice", repr(row.slug))
        if not tenants:
            raise self._unlisted("lists no tenant", "", advice="Look at the environment's name")
        return tuple(tenants.values())

    def _unlisted(
        self, failed: str, seen: str, *, safe: str = "nothing was changed", advice: str = ""
    ) -> Refused:
        failed, seen = self._http.redact(failed), self._http.redact(seen)
        return Refused(failed, on=self._http.service, seen=seen, safe=safe, advice=advice)

    def _judged(self, answer: _WireAnswer, tenants: tuple[Tenant, ...]) -> tuple[Row, ...]:
        # A slug is a DNS label: HongMing and hongming are one tenant, however a row writes it.
        by_slug: dict[str, list[_WireRow]] = {tenant.slug.lower(): [] for tenant in tenants}
        wire = [row for row in map(_parse_row, answer.results) if row is not None]
        strange = [row for row in wire if row.slug.lower() not in by_slug]
        beyond = [row.slug for row in strange if row.ssm_status in _RAN]
        for row in wire:
            by_slug.setdefault(row.slug.lower(), []).append(row)
        rows = tuple(self._judge(tenant, by_slug[tenant.slug.lower()]) for tenant in tenants)
        if beyond:
            return self._failed(rows, f"the call also touched {', '.join(beyond)}, unasked")
        if not answer.ok and all(row.state is RowState.DONE for row in rows):
            return self._failed(rows, f"ok:false: {self._text(answer.error)}")
        return rows

    def _judge(self, tenant: Tenant, wire: list[_WireRow]) -> Row:
        if not wire:
            return Row(tenant=tenant, state=RowState.UNANSWERED, note="no row in the answer")
        # Of two rows for one tenant the worse counts: one command may still be on its way.
        worst = min(wire, key=lambda row: _WORST_FIRST.index(_state(row)))
        return Row(tenant=tenant, state=_state(worst), note=self._text(", ".join(_notes(worst))))

    def _failed(self, rows: tuple[Row, ...], why: str) -> tuple[Row, ...]:
        """What is unanswered stays so: its effect may still land."""
        return tuple(
            Row(tenant=row.tenant, state=RowState.FAILED, note=self._text(why))
            if row.state is RowState.DONE
            else row
            for row in rows
        )

    def _seen(self, reply: Reply) -> str:
        """Status, message and type of an answer; a success, too, may echo our token."""
        kind = reply.headers.get("content-type", "no content type")
        return self._http.redact(f"{reply.summary}, {kind}")

    def _text(self, said: object) -> str:
        text = said if isinstance(said, str) else json.dumps(said)
        return self._http.redact(_UNPRINTABLE.sub(" ", text))[:_NOTE_MAX]


def _state(row: _WireRow) -> RowState:
    if row.ssm_status not in _FINAL:
        return RowState.UNANSWERED
    is_done = (
        row.ssm_status == "Success"
        and not row.ssm_exit_code
        and row.healthz_ok is True
        and row.verified_on_target is not False
        and not row.error
    )
    return RowState.DONE if is_done else RowState.FAILED


def _notes(row: _WireRow) -> Iterable[str]:
    if row.ssm_status != "Success":
        yield f"command {row.ssm_status or 'without a state'}"
    if row.ssm_exit_code:
        yield f"exit code {row.ssm_exit_code}"
    if row.healthz_ok is not True:
        yield "not healthy"
    if row.verified_on_target is False:
        yield "not on the target image"
    if row.verified_on_target is None:
        yield "not verified by the control plane"
    if row.running_image:
        yield f"runs {row.running_image}"
    if row.error:
        yield row.error if isinstance(row.error, str) else json.dumps(row.error)


def _parse_row(plain: object) -> _WireRow | None:
    """A row that can't be read is as good as missing."""
    try:
        return _ROW.validate_python(plain)
    except ValidationError:
        return None


def _parse(adapter: TypeAdapter[_Wire], body: bytes) -> _Wire | None:
    try:
        return adapter.validate_json(body)
    except ValidationError:
        return None
