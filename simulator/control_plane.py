"""The control plane's state: accepted requests, the landings behind them, and the fence.

A request is accepted at one instant, lands on each tenant at others, and is answered at yet
another; the rows of an answer are read off the tenants when it is given. This module must not speak
HTTP; the control plane app and the direct port do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.faults import Call, Service, Verdict
from simulator.fleet import Fleet
from simulator.happenings import Kind, Log
from simulator.landings import Landings
from simulator.redeploys import Group, Redeploy, parse_redeploy
from simulator.wire import Later, Refusal

__all__ = ["ControlPlane", "FenceKind", "Timing"]

_ABSENT = "absent"
_SUCCESS = "Success"
_FAILED = "Failed"


class FenceKind(StrEnum):
    """Where the control plane compares the epoch: as the change lands, on arrival, or nowhere."""

    LANDING = "landing"
    DOOR = "door"
    NONE = "none"


@dataclass(slots=True, kw_only=True)
class Timing:
    """How long a request takes, in seconds after it arrives.

    landing_s: until its tenants are switched. answer_s: until it is answered, which may be sooner;
    then the rows of tenants that are not switched yet say `InProgress`.
    """

    landing_s: float = 2.0
    answer_s: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """What the remote command on one tenant said when it ended."""

    status: str
    exit_code: int | None = 0
    error: str = ""


@dataclass(slots=True, kw_only=True)
class _Run:
    """One accepted request, and how it ended on each tenant so far."""

    request: Redeploy
    actor: str
    targets: dict[str, str | None] = field(default_factory=dict)
    ends: dict[str, _End] = field(default_factory=dict)
    stopped: str = ""

    def failures(self) -> int:
        return sum(1 for end in self.ends.values() if end.status != _SUCCESS)


class ControlPlane:
    """Redeploys tenants, as slowly and as badly as it is told.

    fence_seen: the highest epoch for each environment; it outlives restarts.
    """

    def __init__(
        self,
        fleet: Fleet,
        log: Log,
        *,
        landings: Landings,
        judge: Callable[[Call], Verdict],
    ) -> None:
        self.fence_kind = FenceKind.LANDING
        self.fence_seen: dict[str, int] = {}
        self.timing = Timing()
        self._fleet = fleet
        self._log = log
        self._landings = landings
        self._judge = judge

    def redeploy(self, body: object, *, actor: str, verdict: Verdict) -> Later[dict[str, object]]:
        """Accepts a request, or lists what it would touch; raises Refusal 400 and 412."""
        request = parse_redeploy(body, tuple(self._fleet.tenants))
        self._check_fence(request, actor)
        if request.is_dry_run:
            listed = self._list(request)
            return Later(after_s=0.0, answer=lambda: listed)
        run = _Run(request=request, actor=actor)
        what = f"{','.join(request.slugs)} to {request.target_tag}"
        self._log.note(Kind.ACCEPTED, what, actor=actor, note=_epoch(request))
        last_s = self._schedule(run, verdict)

        def answer() -> dict[str, object]:
            self._log.note(Kind.ANSWERED, what, actor=actor)
            return self._answer(run)

        return Later(after_s=last_s + self.timing.answer_s, answer=answer)

    def _check_fence(self, request: Redeploy, actor: str) -> None:
        if self.fence_kind is FenceKind.NONE or request.fence is None:
            return
        seen = self.fence_seen.get(request.environment, 0)
        if request.fence < seen:
            self._log.note(
                Kind.REFUSED, request.environment, actor=actor, note=f"{request.fence} < {seen}"
            )
            body = {"error": "a higher fence was seen", "fence_seen": seen}
            raise Refusal(412, body)
        if request.fence > seen:
            self.fence_seen[request.environment] = request.fence
            self._log.note(
                Kind.FENCE_RAISED,
                request.environment,
                actor=actor,
                before=str(seen),
                after=str(request.fence),
            )

    def _list(self, request: Redeploy) -> dict[str, object]:
        rows: list[dict[str, object]] = [
            {
                "slug": slug,
                "phase": group.phase,
                "ssm_status": "DryRun",
                "ssm_exit_code": None,
                "healthz_ok": self._fleet.tenants[slug].is_healthy(),
                "running_image": self._fleet.tenants[slug].image,
            }
            for group in request.groups
            for slug in group.slugs
        ]
        return {"ok": True, "results": rows, **self._fenced()}

    def _schedule(self, run: _Run, verdict: Verdict) -> float:
        """Sets every landing going; returns by how much the last one is later than the first."""
        offset_s = last_s = 0.0
        for group in run.request.groups:
            order = sorted(group.slugs, key=lambda slug: _rank(slug, verdict.order))
            for number, slug in enumerate(order):
                last_s = offset_s + number * verdict.gap_s
                self._schedule_tenant(run, group, slug, verdict=verdict, offset_s=last_s)
            offset_s = last_s + group.soak_s + self.timing.landing_s
        return last_s

    def _schedule_tenant(
        self, run: _Run, group: Group, slug: str, *, verdict: Verdict, offset_s: float
    ) -> None:
        own = self._judge(_landing_call(run.actor, slug))
        claimed = own.row or verdict.row
        has_effect = own.has_effect and verdict.has_effect
        late_s = own.late_s or verdict.late_s
        twice_s = verdict.twice_s if own.twice_s is None else own.twice_s

        def act() -> None:
            if group is not run.request.groups[0] and self._is_stopped(run):
                return
            end = self._land(run, slug) if has_effect and not late_s else _End(status=_SUCCESS)
            run.ends[slug] = _End(status=claimed, exit_code=None) if claimed else end

        def act_unseen() -> None:
            self._land(run, slug)

        due_s = offset_s + self.timing.landing_s + own.before_s
        self._landings.add(due_s, act)
        if has_effect and late_s:
            self._landings.add(due_s + late_s, act_unseen)
        if has_effect and twice_s is not None:
            self._landings.add(due_s + twice_s, act_unseen)

    def _is_stopped(self, run: _Run) -> bool:
        if run.failures() > run.request.stragglers_max:
            run.stopped = f"stopped after {run.failures()} failed"
        return bool(run.stopped)

    def _land(self, run: _Run, slug: str) -> _End:
        """Switches one tenant, which compares the fence again where it is kept there."""
        request = run.request
        seen = self.fence_seen.get(request.environment, 0)
        is_compared = self.fence_kind is FenceKind.LANDING and request.fence is not None
        if is_compared and request.fence is not None and request.fence < seen:
            self._log.note(
                Kind.LANDING_REFUSED, slug, actor=run.actor, note=f"{request.fence} < {seen}"
            )
            return _End(status=_FAILED, exit_code=1, error=f"the fence has seen {seen}")
        target = self._fleet.release_of(request.target_tag)
        run.targets[slug] = target
        if target is None:
            error = f"manifest for {self._fleet.repository}:{request.target_tag} not found"
            self._log.note(Kind.LANDING_FAILED, slug, actor=run.actor, note=error)
            return _End(status=_FAILED, exit_code=1, error=error)
        if self._fleet.land(slug, target, request.target_tag, actor=run.actor):
            return _End(status=_SUCCESS)
        return _End(status=_FAILED, exit_code=1, error="the container did not come up")

    def _answer(self, run: _Run) -> dict[str, object]:
        rows = [
            row
            for group in run.request.groups
            for slug in group.slugs
            if (row := self._row(run, group, slug)) is not None
        ]
        failed = sum(1 for row in rows if row["ssm_status"] != _SUCCESS or not row["healthz_ok"])
        body: dict[str, object] = {
            "ok": failed <= run.request.stragglers_max and not run.stopped,
            "results": rows,
            **self._fenced(),
        }
        if not body["ok"]:
            body["error"] = run.stopped or f"{failed} of {len(rows)} tenants failed"
        return body

    def _row(self, run: _Run, group: Group, slug: str) -> dict[str, object] | None:
        end = run.ends.get(slug)
        if run.stopped and end is None:
            return None
        end = end or _End(status="InProgress", exit_code=None)
        if end.status == _ABSENT:
            return None
        tenant = self._fleet.tenants[slug]
        row: dict[str, object] = {
            "slug": slug,
            "phase": group.phase,
            "ssm_status": end.status,
            "ssm_exit_code": end.exit_code,
            "healthz_ok": tenant.is_healthy(),
            "running_image": tenant.image,
        }
        if self._fleet.has_inspection:
            target = run.targets.get(slug) or self._fleet.release_of(run.request.target_tag)
            row["verified_on_target"] = target is not None and tenant.running == target
        if end.error:
            row["error"] = end.error
        return row

    def _fenced(self) -> dict[str, object]:
        return {} if self.fence_kind is FenceKind.NONE else {"fenced": self.fence_kind.value}


def _landing_call(actor: str, slug: str) -> Call:
    return Call(
        actor=actor,
        service=Service.CONTROL_PLANE,
        operation="landing",
        subject=slug,
        is_effect=True,
    )


def _rank(slug: str, order: tuple[str, ...]) -> int:
    return order.index(slug) if slug in order else len(order)


def _epoch(request: Redeploy) -> str:
    return "" if request.fence is None else f"epoch {request.fence}"
