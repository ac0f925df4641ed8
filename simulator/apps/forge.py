"""The forge over HTTP, in the shapes of Gitea's API, with the quirks that its callers meet.

This module must not know more of a commit than the world does.
"""

from collections.abc import Sequence

from simulator.apps.exchange import Exchange, Response, bearer_of, json_response, password_of
from simulator.apps.forge_wire import (
    branch_of,
    combined_of,
    commit_of,
    page_of,
    status_of,
)
from simulator.apps.tokens import Tokens
from simulator.faults import Service, Verdict
from simulator.forge import CiStatus
from simulator.wire import Refusal

__all__ = ["answer_forge"]


async def answer_forge(exchange: Exchange, tokens: Tokens) -> Response:
    """Answers a request below `/api/v1`; raises Refusal and Cut."""
    owner_of_token = _authenticate(exchange, tokens)
    if exchange.method not in {"GET", "HEAD"}:
        raise Refusal(405, {"message": "the simulated forge is read-only; use /sim/"})
    repository = exchange.world.layout.forge_repository
    match exchange.path[2:]:
        case ("version",):
            return json_response({"version": "1.22.6+simulated"})
        case ("repos", owner, name, *rest) if f"{owner}/{name}" == repository:
            return await _answer_repository(exchange, tuple(rest), is_owner=owner_of_token)
        case _:
            raise _not_found()


def _authenticate(exchange: Exchange, tokens: Tokens) -> bool:
    """Says whether the token is an owner's; raises Refusal 401 when it is nobody's."""
    pair = password_of(exchange)
    token = pair[1] if pair else bearer_of(exchange, "token", "bearer")
    if token not in {tokens.forge, tokens.forge_owner}:
        raise Refusal(401, {"message": "token is required", "url": "/api/swagger"})
    return token == tokens.forge_owner


async def _answer_repository(
    exchange: Exchange, path: Sequence[str], *, is_owner: bool
) -> Response:
    match tuple(path):
        case ("branches", *name):
            return await _answer_branch(exchange, "/".join(name))
        case ("commits" | "statuses", reference, *kind) if kind in ([], ["statuses"], ["status"]):
            return await _answer_statuses(exchange, reference, is_combined=kind == ["status"])
        case ("compare", *basehead):
            return await _answer_compare(exchange, "/".join(basehead))
        case ("actions", "variables", name):
            return await _answer_variable(exchange, name.upper(), is_owner=is_owner)
        case ("raw", *file):
            return await _answer_file(exchange, "/".join(file))
        case ("git", "commits", reference):
            return await _answer_commit(exchange, reference)
        case ("tags", *name):
            return await _answer_tag(exchange, "/".join(name))
        case _:
            raise _not_found()


async def _answer_branch(exchange: Exchange, name: str) -> Response:
    world = exchange.world

    def act(verdict: Verdict) -> dict[str, object]:
        head = world.forge.head(name, stale_s=verdict.stale_s)
        if head is None:
            raise _not_found()
        return branch_of(name, head, world.forge.required.get(name, ()))

    return json_response(await exchange.perform(Service.FORGE, "head", name, act=act))


async def _answer_statuses(exchange: Exchange, reference: str, *, is_combined: bool) -> Response:
    forge = exchange.world.forge
    sha = forge.resolve(reference)

    def act(verdict: Verdict) -> tuple[str, tuple[CiStatus, ...], int, bool]:
        if sha is None:
            raise _not_found()
        rows = forge.latest_statuses(sha) if is_combined else forge.statuses(sha)
        if not is_combined and exchange.query.get("sort") != "highestindex":
            rows = rows[::-1]  # By default, as with `leastindex`, the newest row comes first.
        page = page_of(exchange, rows, clamp=verdict.page_max)
        return sha, page, len(rows), exchange.number("page", 1) <= 1

    found, rows, total, is_first = await exchange.perform(
        Service.FORGE, "checks", sha or reference, act=act
    )
    # The servers of the day counted the rows of the page that was asked for, with its offset.
    headers = {"x-total-count": str(total if is_first else 0)}
    if is_combined:
        return json_response(combined_of(found, rows), headers=headers)
    return json_response([status_of(row) for row in rows], headers=headers)


async def _answer_compare(exchange: Exchange, basehead: str) -> Response:
    forge = exchange.world.forge
    base, _, head = basehead.partition("...")

    def act(_: Verdict) -> dict[str, object]:
        ends = forge.resolve(base), forge.resolve(head)
        if ends[0] is None or ends[1] is None:
            raise _not_found()
        beyond = forge.missing_from(ends[0], ends[1])[::-1]
        commits = [commit_of(sha, forge.commits[sha]) for sha in beyond]
        return {"total_commits": len(commits), "commits": commits}

    subject = f"{base[:7]}...{head[:7]}"
    return json_response(await exchange.perform(Service.FORGE, "compare", subject, act=act))


async def _answer_variable(exchange: Exchange, name: str, *, is_owner: bool) -> Response:
    forge = exchange.world.forge

    def act(verdict: Verdict) -> dict[str, object]:
        if not is_owner:
            raise Refusal(403, {"message": "user should be the owner of the repo"})
        value = forge.variable(name, stale_s=verdict.stale_s)
        if value is None:
            raise _not_found()
        return {"owner_id": 0, "repo_id": 1, "name": name, "data": value, "description": ""}

    return json_response(await exchange.perform(Service.FORGE, "variable", name, act=act))


async def _answer_file(exchange: Exchange, file: str) -> Response:
    world = exchange.world
    branch = exchange.query.get("ref", world.layout.branch)

    def act(verdict: Verdict) -> bytes:
        content = world.forge.file(branch, file, stale_s=verdict.stale_s)
        if content is None:
            raise _not_found()
        return content

    body = await exchange.perform(Service.FORGE, "file", f"{branch}:{file}", act=act)
    return Response(body=body, headers={"content-type": "text/plain; charset=utf-8"})


async def _answer_commit(exchange: Exchange, reference: str) -> Response:
    forge = exchange.world.forge

    def act(_: Verdict) -> dict[str, object]:
        sha = forge.resolve(reference)
        if sha is None:
            raise _not_found()
        return commit_of(sha, forge.commits[sha])

    return json_response(await exchange.perform(Service.FORGE, "commit", reference, act=act))


async def _answer_tag(exchange: Exchange, name: str) -> Response:
    forge = exchange.world.forge

    def act(_: Verdict) -> dict[str, object]:
        sha = forge.tags.get(name)
        if sha is None:
            raise _not_found()
        return {"name": name, "commit": {"sha": sha}}

    return json_response(await exchange.perform(Service.FORGE, "resolve", name, act=act))


def _not_found() -> Refusal:
    return Refusal(404, {"message": "The target couldn't be found.", "url": "/api/swagger"})
