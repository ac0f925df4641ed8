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
from simulator.redeploys import End, Group, LandingOrder, Redeploy, parse_redeploy
from simulator.wire import Later, Refusal, Underway

__all__ = ["Answered", "ControlPlane", "FenceKind", "Run", "Timing"]

_ABSENT = "absent"
_SUCCESS = "Success"
_FAILED = "Failed"

Answered = dict[str, object] | Underway[dict[str, object]]
"""The JSON of an answer, or the work that makes it where tenants are asked over a network."""


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


@dataclass(slots=True, kw_only=True)
class Run:
    """One accepted request, and how it ended on each tenant so far."""

    request: Redeploy
    actor: str
    targets: dict[str, str | None] = field(default_factory=dict)
    ends: dict[str, End] = field(default_factory=dict)
    stopped: str = ""

    @property
    def what(self) -> str:
        """What the log calls it."""
        return f"{','.join(self.request.slugs)} to {self.request.target_tag}"

    def order(self, slug: str) -> LandingOrder:
        """What one of its tenants is told to do."""
        return LandingOrder(
            slug=slug,
            target_tag=self.request.target_tag,
            actor=self.actor,
            environment=self.request.environment,
            fence=self.request.fence,
        )

    def failures(self) -> int:
        """On how many tenants it has ended otherwise than well."""
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
        run = Run(request=request, actor=actor)
        self._log.note(Kind.ACCEPTED, run.what, actor=actor, note=_epoch(request))
        last_s = self._schedule(run, verdict)
        return Later(after_s=last_s + self.timing.answer_s, answer=lambda: self._answer(run))

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

    def land(self, order: LandingOrder, target: str | None) -> End:
        """Switches one tenant, which compares the fence again where it is kept there.

        target: the release that the order's tag names; None when it names none.
        """
        return self._refuse(order) or self._switch(order, target)

    def _list(self, request: Redeploy) -> Answered:
        """Lists what it would touch, as it is now."""
        return self._listed(request)

    def _listed(self, request: Redeploy) -> dict[str, object]:
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

    def _schedule(self, run: Run, verdict: Verdict) -> float:
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
        self, run: Run, group: Group, slug: str, *, verdict: Verdict, offset_s: float
    ) -> None:
        own = self._judge(_landing_call(run.actor, slug))
        claimed = own.row or verdict.row
        has_effect = own.has_effect and verdict.has_effect
        late_s = own.late_s or verdict.late_s
        twice_s = verdict.twice_s if own.twice_s is None else own.twice_s

        def take(end: End) -> None:
            run.ends[slug] = End(status=claimed, exit_code=None) if claimed else end

        def act() -> None:
            if group is not run.request.groups[0] and self._is_stopped(run):
                return
            if has_effect and not late_s:
                self._land(run, slug, take)
            else:
                take(End(status=_SUCCESS))

        def act_unseen() -> None:
            self._land(run, slug, _forget)

        due_s = offset_s + self.timing.landing_s + own.before_s
        self._landings.add(due_s, act)
        if has_effect and late_s:
            self._landings.add(due_s + late_s, act_unseen)
        if has_effect and twice_s is not None:
            self._landings.add(due_s + twice_s, act_unseen)

    def _is_stopped(self, run: Run) -> bool:
        if run.failures() > run.request.stragglers_max:
            run.stopped = f"stopped after {run.failures()} failed"
        return bool(run.stopped)

    def _land(self, run: Run, slug: str, take: Callable[[End], None]) -> None:
        """Switches one tenant and hands over how it ended there."""
        order = run.order(slug)
        end = self._refuse(order)
        if end is None:
            run.targets[slug] = self._fleet.release_of(order.target_tag)
            end = self._switch(order, run.targets[slug])
        take(end)

    def _refuse(self, order: LandingOrder) -> End | None:
        seen = self.fence_seen.get(order.environment, 0)
        is_compared = self.fence_kind is FenceKind.LANDING and order.fence is not None
        if not is_compared or order.fence is None or order.fence >= seen:
            return None
        note = f"{order.fence} < {seen}"
        self._log.note(Kind.LANDING_REFUSED, order.slug, actor=order.actor, note=note)
        return End(status=_FAILED, exit_code=1, error=f"the fence has seen {seen}")

    def _switch(self, order: LandingOrder, target: str | None) -> End:
        if target is None:
            error = f"manifest for {self._fleet.repository}:{order.target_tag} not found"
            self._log.note(Kind.LANDING_FAILED, order.slug, actor=order.actor, note=error)
            return End(status=_FAILED, exit_code=1, error=error)
        if self._fleet.land(order.slug, target, order.target_tag, actor=order.actor):
            return End(status=_SUCCESS)
        return End(status=_FAILED, exit_code=1, error="the container did not come up")

    def _answer(self, run: Run) -> Answered:
        """Answers a request with the rows of its tenants, as they are now."""
        return self._answered(run)

    def _answered(self, run: Run) -> dict[str, object]:
        self._log.note(Kind.ANSWERED, run.what, actor=run.actor)
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

    def _row(self, run: Run, group: Group, slug: str) -> dict[str, object] | None:
        end = run.ends.get(slug)
        if run.stopped and end is None:
            return None
        end = end or End(status="InProgress", exit_code=None)
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


def _forget(_: End) -> None:
    """Nobody is told how a landing ended that nobody sees."""


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
