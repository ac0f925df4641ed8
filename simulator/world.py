"""The one mutable world that every face of the simulator shows.

This module must not speak a protocol: apps and direct ports do, and both go through `wire.perform`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from release.core.values import Sha
from simulator.choices import Choices
from simulator.clock import WorldClock
from simulator.control_plane import ControlPlane
from simulator.faults import Call, FaultRule, Faults, Service, Verdict
from simulator.fleet import Fleet
from simulator.forge import ForgeState
from simulator.happenings import Kind, Log
from simulator.landings import Landings
from simulator.registry import RegistryState
from simulator.tenants import Answer, Health, Lag
from simulator.wire import Cut, Later, OpenScript, Script

__all__ = ["Layout", "World"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the things of a world are called.

    forge_repository: owner and name, also of the git repository behind it.
    image_tag_pattern: `{sha7}` becomes the first seven digits of the commit, `{sha}` all of it.
    repositories: each release has an image in every one; tenants run the first one's.
    required: the CI contexts that the branch protection names; `ci` reports them all.
    """

    environment: str = "production"
    branch: str = "main"
    forge_repository: str = "acme/app"
    repositories: tuple[str, ...] = ("acme/app",)
    pointer_tag: str = "latest"
    image_tag_pattern: str = "staging-{sha7}"
    required: tuple[str, ...] = ("ci / test (push)",)
    switch: str = "DEPLOY_ENABLED"

    def image_tag(self, sha: str) -> str:
        """The tag that CI gives the images of a commit."""
        return self.image_tag_pattern.replace("{sha7}", sha[:7]).replace("{sha}", sha)


class World:
    """Forge, registry, control plane and tenants, over one clock, one log and one set of faults.

    script: holds calls to force an order of events. latency_s: passes before each call of a service
    is acted on. ledger_view: where a snapshot finds the ledger's record, when it is known.
    """

    def __init__(self, clock: WorldClock, choices: Choices, layout: Layout | None = None) -> None:
        self.clock = clock
        self.choices = choices
        self.layout = layout or Layout()
        self.log = Log(clock)
        self.faults = Faults()
        self.script: Script = OpenScript()
        self.latency_s: dict[Service, float] = {}
        self.landings = Landings(clock)
        self.ledger_view: Callable[[], object] | None = None
        self.forge = ForgeState(clock, self.log)
        self.forge.required[self.layout.branch] = self.layout.required
        self.registry = RegistryState(clock, self.log, self.landings)
        self.fleet = Fleet(
            clock,
            self.log,
            registry=self.registry,
            repository=self.layout.repositories[0],
            choices=choices,
        )
        self.control_plane = ControlPlane(
            self.fleet, self.log, landings=self.landings, judge=self.judge
        )

    def advance(self) -> None:
        """Lets everything land that is due by now."""
        self.landings.advance()

    def judge(self, call: Call) -> Verdict:
        """Judges a call that happens inside of a service, such as a landing."""
        verdict, rules = self.faults.judge(call)
        self.note_faults(call, rules)
        return verdict

    def note_faults(self, call: Call, rules: tuple[FaultRule, ...]) -> None:
        """Writes down which rules acted on a call."""
        for rule in rules:
            self.log.note(
                Kind.FAULT,
                f"{call.service}.{call.operation} {call.subject}",
                actor=call.actor,
                note=rule.kind.value,
            )

    def found(self, sha: str, slugs: Iterable[str], *, lag: Lag | None = None) -> None:
        """Begins the world as it was before any job: all tenants and pointers on one release.

        Adds the commit when it is unknown, pushes it, turns it green and publishes its images.
        """
        self.release(sha, parents=())
        self.begin_on(sha, slugs, lag=lag)

    def begin_on(self, sha: str, slugs: Iterable[str], *, lag: Lag | None = None) -> None:
        """Puts tenants and pointers on a commit that is released already."""
        self.fleet.add(slugs, sha, lag=lag)
        for repository in self.layout.repositories:
            self.registry.retag(
                repository, self.layout.pointer_tag, self.layout.image_tag(sha), actor="world"
            )
        for tenant in self.fleet.tenants.values():
            tenant.image = f"{self.fleet.repository}:{self.layout.image_tag(sha)}"

    def release(
        self, sha: str, *, parents: Iterable[str] | None = None, ci_state: str = "success"
    ) -> None:
        """Pushes a commit on top of the branch, reports CI for it and publishes its images.

        parents: by default the branch's head. ci_state: `pending` leaves CI to `report_ci`; images
        are published whatever it is, as CI builds them before it is done.
        """
        head = self.forge.head(self.layout.branch)
        above = ([head] if head else []) if parents is None else list(parents)
        self.forge.add_commit(str(Sha(sha)), above)
        self.forge.push(self.layout.branch, sha)
        self.report_ci(sha, ci_state)
        self.publish(sha)

    def report_ci(self, sha: str, state: str, *, after_s: float = 0.0) -> None:
        """Reports every required context of a commit, now or later."""

        def report() -> None:
            for context in self.layout.required:
                self.forge.set_status(sha, context, state)

        self.landings.add(after_s, report)

    def publish(self, sha: str, *, is_index: bool = False) -> dict[str, str]:
        """Publishes the images of a commit; returns the digest for each repository."""
        tag = self.layout.image_tag(sha)
        return {
            repository: self.registry.publish(repository, tag, sha, is_index=is_index)
            for repository in self.layout.repositories
        }

    def set_health(self, slug: str, health: Health, *, delay_s: float = 0.0) -> None:
        """Makes a tenant behave so from now on; HEALTHY also ends what a wedge kept alive."""
        tenant = self.fleet.tenants[slug]
        before = tenant.health
        if health is Health.HEALTHY:
            tenant.mend(self.clock.reading_s())
        tenant.health = health
        tenant.delay_s = delay_s
        self.log.note(Kind.TENANT, slug, before=before.value, after=health.value)

    def set_lag(self, slug: str, lag: Lag) -> None:
        """Sets for how long a tenant drains after its next landings."""
        self.fleet.tenants[slug].lag = lag

    def buildinfo(self, slug: str, verdict: Verdict) -> Later[Answer]:
        """What the edge answers for a tenant; raises Cut when nobody listens there."""
        tenant = self.fleet.tenants.get(slug)
        if tenant is None:
            page = b"<!doctype html><title>404</title><h1>No such tenant</h1>"
            absent = Answer(status=404, content_type="text/html; charset=utf-8", body=page)
            return Later(after_s=0.0, answer=lambda: absent)
        answer = tenant.buildinfo(self.clock.reading_s() - verdict.stale_s)
        if answer is None:
            raise Cut(is_unreached=True)
        return Later(after_s=answer.delay_s, answer=lambda: answer)

    def pointer(self, repository: str | None = None) -> str | None:
        """The release that the promoted tag of a repository, by default the first, names."""
        name = repository or self.layout.repositories[0]
        return self.registry.revision(name, self.layout.pointer_tag)

    def serving(self) -> dict[str, str | None]:
        """What each tenant serves at this instant."""
        self.advance()
        now_s = self.clock.reading_s()
        return {slug: tenant.serving(now_s) for slug, tenant in self.fleet.tenants.items()}

    def snapshot(self) -> dict[str, object]:
        """The whole world as JSON values.

        Keys: at_s, utc, environment, branch, head, tenants (by slug), pointers (repository to
        tag, digest, sha), registry (repository to tag to digest and sha), fence (kind, seen by
        environment), faults (rules with counts), in_flight (landings to come), happenings (how
        many), forge (branches, commits, variables, statuses), ledger (its record or null).
        """
        self.advance()
        now_s = self.clock.reading_s()
        tag = self.layout.pointer_tag
        registry = self.registry.plain()
        return {
            "at_s": round(now_s, 6),
            "utc": self.clock.utc().isoformat(),
            "environment": self.layout.environment,
            "branch": self.layout.branch,
            "head": self.forge.head(self.layout.branch),
            "tenants": {slug: one.plain(now_s) for slug, one in self.fleet.tenants.items()},
            "pointers": {
                name: {"tag": tag, **tags[tag]} for name, tags in registry.items() if tag in tags
            },
            "registry": registry,
            "fence": {
                "kind": self.control_plane.fence_kind.value,
                "seen": dict(self.control_plane.fence_seen),
            },
            "faults": self.faults.plain(),
            "in_flight": len(self.landings),
            "happenings": len(self.log.happenings),
            "forge": self.forge.plain(),
            "ledger": self.ledger_view() if self.ledger_view else None,
        }
