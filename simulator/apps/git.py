"""Git's smart HTTP, answered by git itself: `git http-backend` run once for each request.

This module must not know what is pushed; the git host looks afterwards.
"""

from simulator.apps.exchange import Exchange, Response, bearer_of, password_of
from simulator.apps.tokens import Tokens
from simulator.faults import Service, Verdict
from simulator.git_host import GitHost
from simulator.wire import Refusal, Underway

__all__ = ["answer_git"]

_OPERATIONS = {
    "git-upload-pack": "upload-pack",
    "git-receive-pack": "receive-pack",
    "refs": "info-refs",
}


async def answer_git(
    exchange: Exchange, host: GitHost, tokens: Tokens, *, path: tuple[str, ...]
) -> Response:
    """Answers a request for the repository; `path` is what follows its name.

    Raises Refusal and Cut.
    """
    pair = password_of(exchange)
    token = pair[1] if pair else bearer_of(exchange, "token", "bearer")
    if token not in {tokens.forge, tokens.forge_owner}:
        raise Refusal(
            401, "authentication required", headers={"www-authenticate": 'Basic realm="git"'}
        )
    operation = _OPERATIONS.get(path[-1] if path else "")
    if operation is None and path[:1] != ("info",):
        raise Refusal(404, "not found")
    is_push = operation == "receive-pack"

    def act(_: Verdict) -> Underway[Response]:
        return Underway(work=_run(exchange, host, path, is_push=is_push))

    response: Response = await exchange.perform(
        Service.GIT,
        operation or "info-refs",
        exchange.world.layout.forge_repository,
        act=act,
        is_effect=is_push,
    )
    return response


async def _run(
    exchange: Exchange, host: GitHost, path: tuple[str, ...], *, is_push: bool
) -> Response:
    answer = await host.serve(
        exchange.method,
        path,
        query=exchange.raw_query,
        headers=exchange.headers,
        body=exchange.body,
    )
    if is_push:
        await host.take_record(actor=exchange.actor)
        await host.take_pushes(actor=exchange.actor)
    return Response(status=answer.status, body=answer.body, headers=answer.headers)
