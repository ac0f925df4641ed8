"""The ports of one job onto a world in virtual time; each keeps the promises in `release.ports`.

This module must not decide what a service does: the world does, and fault rules.
"""

from collections.abc import Callable

from release.core.contexts import StatusRow, judge_contexts
from release.core.order import Order
from release.core.sighting import (
    Candidates,
    Checks,
    Observation,
    Redeployed,
)
from release.core.switch import is_switched_on
from release.core.values import Digest, Pointer, Release, Sha, Tenant
from release.errors import HeadwayError, Refused
from simulator.faults import Call, Service, Verdict
from simulator.line import Line
from simulator.scheduler import Job, Join
from simulator.sightings import fencing_of, observation_of, row_of, rows_of
from simulator.tenants import Answer
from simulator.wire import Cut, Later, Refusal, perform

__all__ = ["SimEdge", "SimFleet", "SimForge", "SimRegistry"]


class SimForge:
    """The forge. Operations for rules: `head`, `checks`, `compare`, `variable`, `resolve`."""

    def __init__(self, line: Line, *, own_context: str | None = None) -> None:
        self._line = line
        self._forge = line.world.forge
        self._branch = line.world.layout.branch
        self._own_context = own_context

    async def head(self) -> Sha:
        """Reads the branch."""

        def act(verdict: Verdict) -> Sha:
            found = self._forge.head(self._branch, stale_s=verdict.stale_s)
            if found is None:
                raise Refusal(404)
            return Sha(found)

        return await self._line.read(self._call("head", self._branch), act)

    async def checks(self, sha: Sha) -> Checks:
        """Reads the newest row of each required context."""
        return await self._line.read(
            self._call("checks", str(sha)), lambda _: self._checks(str(sha))
        )

    async def compare(self, ours: Sha, other: Sha) -> Order:
        """Asks the commit graph; UNKNOWN when it can't be asked."""
        call = self._call("compare", f"{ours.short}...{other.short}")
        try:
            return await self._line.read(call, lambda _: self._forge.order(str(ours), str(other)))
        except HeadwayError:
            return Order.UNKNOWN

    async def is_enabled(self) -> bool:
        """Reads the switch's variable; one that was never set is no switch."""
        name = self._line.world.layout.switch

        def act(verdict: Verdict) -> str:
            value = self._forge.variable(name, stale_s=verdict.stale_s)
            if value is None and name in self._forge.variables:
                raise Refusal(404)
            return "on" if value is None else value

        text = await self._line.read(self._call("variable", name), act)
        return is_switched_on(text, on=f"variable {name}")

    async def resolve(self, reference: str) -> Sha | None:
        """Finds a commit."""

        def act(_: Verdict) -> Sha | None:
            found = self._forge.resolve(reference)
            return None if found is None else Sha(found)

        return await self._line.read(self._call("resolve", reference), act)

    def _checks(self, sha: str) -> Checks:
        rows = (
            StatusRow(context=row.context, state=row.state, number=row.number)
            for row in self._forge.latest_statuses(sha)
        )
        required = self._forge.required.get(self._branch, ())
        return judge_contexts(required, rows, own=self._own_context)

    def _call(self, operation: str, subject: str) -> Call:
        return Call(
            actor=self._line.actor, service=Service.FORGE, operation=operation, subject=subject
        )


class SimFleet:
    """The control plane. Operations for rules: `candidates`, `redeploy`, and for each tenant of a
    redeploy `landing`, with its slug as the subject.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._asked: tuple[Tenant, ...] = ()

    async def candidates(self, release: Release, *, epoch: int | None) -> Candidates:
        """Lists the tenants by a dry run."""
        body: dict[str, object] = {"target_tag": release.tag, "dry_run": True, "confirm": True}
        if epoch is not None:
            body |= {"fence": epoch, "environment": self._line.world.layout.environment}
        call = self._call("candidates", release.tag)
        answer: dict[str, object] = await self._line.read(call, self._act(body))
        tenants = tuple(Tenant(str(row["slug"])) for row in rows_of(answer))
        if not tenants:
            raise Refused("lists no tenant at all", on="control plane", seen="an empty dry run")
        return Candidates(tenants=tenants, fencing=fencing_of(answer))

    async def redeploy(
        self,
        release: Release,
        tenants: tuple[Tenant, ...],
        *,
        epoch: int,
        phase: str,  # noqa: ARG002 - the caller's own word, for people; the contract has none
    ) -> Redeployed:
        """Sends one scoped redeploy."""
        assert tenants, "a redeploy without scope would move the whole fleet"
        slugs = [tenant.slug for tenant in tenants]
        body: dict[str, object] = {
            "target_tag": release.tag,
            "only_slugs": slugs,
            "batch_size": len(slugs),
            "soak_seconds": 0,
            "confirm": True,
            "fence": epoch,
            "environment": self._line.world.layout.environment,
        }
        call = self._call("redeploy", f"{','.join(slugs)} to {release.tag}", is_effect=True)
        self._asked = tenants
        return self._read(await self._line.effect(call, self._act(body)))

    async def late_answer(self, within_s: float) -> Redeployed | None:
        """Waits for the answer to a redeploy whose wait was cancelled."""
        answer = await self._line.late_answer(within_s)
        return None if answer is None else self._read(answer)

    def _read(self, answer: dict[str, object]) -> Redeployed:
        by_slug = {str(row["slug"]): row for row in rows_of(answer)}
        rows = tuple(row_of(tenant, by_slug.get(tenant.slug)) for tenant in self._asked)
        return Redeployed(rows=rows, fencing=fencing_of(answer))

    def _act(self, body: dict[str, object]) -> Callable[[Verdict], Later[dict[str, object]]]:
        def act(verdict: Verdict) -> Later[dict[str, object]]:
            return self._line.world.control_plane.redeploy(
                body, actor=self._line.actor, verdict=verdict
            )

        return act

    def _call(self, operation: str, subject: str, *, is_effect: bool = False) -> Call:
        return Call(
            actor=self._line.actor,
            service=Service.CONTROL_PLANE,
            operation=operation,
            subject=subject,
            is_effect=is_effect,
        )


class SimEdge:
    """The tenants' edges. Operation for rules: `buildinfo`, with the slug as the subject."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def observe(self, tenants: tuple[Tenant, ...]) -> tuple[Observation, ...]:
        """Asks all tenants at once, and waits for the slowest or for the end of patience."""
        requests = tuple(self._ask(tenant) for tenant in tenants)
        await Join(requests, self._line.patience.edge_s)
        return tuple(
            self._read(tenant, request) for tenant, request in zip(tenants, requests, strict=True)
        )

    def _read(self, tenant: Tenant, request: Job[Answer]) -> Observation:
        try:
            if request.is_done:
                return observation_of(tenant, request.result())
            reason = f"no answer within {self._line.patience.edge_s} s"
        except Refusal as exc:
            return Observation(tenant=tenant, sha=None, reason=f"HTTP {exc.status}")
        except Cut as exc:
            reason = "connection refused" if exc.is_unreached else "the connection was cut"
        return Observation(tenant=tenant, sha=None, reason=reason, is_reachable=False)

    def _ask(self, tenant: Tenant) -> Job[Answer]:
        world = self._line.world
        call = Call(
            actor=self._line.actor,
            service=Service.EDGE,
            operation="buildinfo",
            subject=tenant.slug,
        )

        def act(verdict: Verdict) -> Later[Answer]:
            return world.buildinfo(tenant.slug, verdict)

        return self._line.scheduler.spawn(
            call.subject, perform(world, call, act), is_background=True, is_eager=True
        )


class SimRegistry:
    """The registry. Operations for rules: `manifest`, `blob` and `point`, with the subject
    `repository:reference`.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._state = line.world.registry

    async def resolve(self, repository: str, reference: str) -> Digest | None:
        """Looks a tag up."""

        def act(verdict: Verdict) -> Digest | None:
            found = self._state.find(repository, reference, stale_s=verdict.stale_s)
            return None if found is None else Digest(found.digest)

        return await self._line.read(self._call("manifest", f"{repository}:{reference}"), act)

    async def revision(self, repository: str, digest: Digest) -> Sha | None:
        """Reads our own label."""

        def act(_: Verdict) -> Sha | None:
            found = self._state.revision(repository, str(digest))
            return None if found is None else Sha(found)

        return await self._line.read(self._call("blob", f"{repository}:{digest}"), act)

    async def point(self, pointer: Pointer, digest: Digest) -> None:
        """Moves a tag to a manifest that is there."""

        def act(verdict: Verdict) -> str:
            document = self._state.find(pointer.repository, str(digest))
            if document is None:
                raise Refusal(404)
            return self._state.put(
                pointer.repository,
                pointer.tag,
                document,
                actor=self._line.actor,
                verdict=verdict,
            )

        await self._line.effect(self._call("point", str(pointer), is_effect=True), act)

    async def late_answer(self, within_s: float) -> bool:
        """Waits for the answer to a move whose wait was cancelled."""
        return await self._line.late_answer(within_s) is not None

    def _call(self, operation: str, subject: str, *, is_effect: bool = False) -> Call:
        return Call(
            actor=self._line.actor,
            service=Service.REGISTRY,
            operation=operation,
            subject=subject,
            is_effect=is_effect,
        )
