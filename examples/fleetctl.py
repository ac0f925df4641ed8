"""Moves the tenants of a simulation: the tool of a fleet that is a command, in a hundred lines.

It must not know Headway. Its address and token are those that `invoke sim.up` writes down. A tool
of your own needs no more than this: to list, to move, and, if it can, to compare an epoch.
"""

import argparse
import http.client
import json
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

FENCED = 75
"""Exits so when a higher epoch was seen: nothing was changed."""

UNKNOWN = 70
"""Exits so when no answer came: a change may have landed, or may still land."""

_OK, _PRECONDITION_FAILED, _CLIENT_ERRORS = 200, 412, range(400, 500)


def main() -> int:
    """Lists, moves or fences; prints the answer and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--like", type=Path, default=Path(".headway/headway.toml"))
    parser.add_argument("--environment", default="production")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list")
    move = verbs.add_parser("move")
    move.add_argument("--to", required=True)
    fence = verbs.add_parser("fence")
    for verb in (move, fence):
        verb.add_argument("--epoch", type=int, required=True)
        verb.add_argument("tenants", nargs="+")
    given = parser.parse_args()
    asked = {"target_tag": getattr(given, "to", "any"), "environment": given.environment}
    asked |= {"confirm": True, "dry_run": given.verb != "move"}
    if given.verb != "list":
        asked |= {"fence": given.epoch, "only_slugs": given.tenants}
    if given.verb == "move":
        asked |= {"soak_seconds": 0, "batch_size": len(given.tenants)}
    try:
        status, answer = ask(given.like, asked)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        sys.stderr.write(f"the control plane did not answer: {exc}\n")
        return UNKNOWN
    return tell(given.verb, status, answer)


def ask(like: Path, asked: dict[str, object]) -> tuple[int, dict[str, object]]:
    """Sends one request to the control plane that a headway.toml names."""
    fleet = tomllib.loads(like.read_text("utf-8"))["fleet"]
    token = Path(fleet["token"]["file"]).read_text("utf-8").strip()
    url = urlsplit(fleet["url"])
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
    try:
        connection.request(
            "POST",
            f"{url.path.rstrip('/')}/cp/admin/tenants/redeploy-fleet",
            body=json.dumps(asked),
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        )
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    return response.status, answer


def tell(verb: str, status: int, answer: dict[str, object]) -> int:
    """Prints what a fleet of commands reads, and returns the exit code."""
    if status == _PRECONDITION_FAILED:
        sys.stdout.write(f"{answer.get('fence_seen')}\n")
        return FENCED
    rows = answer.get("results")
    if status != _OK or not isinstance(rows, list):
        sys.stderr.write(f"HTTP {status}: {answer.get('error')}\n")
        return 1 if status in _CLIENT_ERRORS else UNKNOWN
    if verb == "list":
        sys.stdout.writelines(f"{row['slug']}\n" for row in rows)
    if verb == "move":
        results = [
            {
                "tenant": row["slug"],
                "ok": row.get("ssm_status") == "Success" and row.get("healthz_ok") is True,
                "error": str(row.get("error") or ""),
            }
            for row in rows
            if row.get("ssm_status") in {"Success", "Failed"}
        ]
        sys.stdout.write(json.dumps({"results": results}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
