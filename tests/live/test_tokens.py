"""No token is found in anything that a deploy writes, says, or shows in the list of processes."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.live_world import LiveWorld
from tests.support.shell import Said

pytestmark = pytest.mark.slow

QUICK_SOAK = {"HEADWAY_ROLLOUT__SOAK_S": "0"}
WRONG = "a-token-that-nobody-takes-0123456789"


def spellings(world: LiveWorld) -> list[bytes]:
    """Every token of the simulation, as it is and as basic authentication encodes it."""
    state = world.running.state
    tokens = [state.forge_token, state.forge_owner_token, state.control_plane_token]
    tokens += [state.registry_password, state.control_token, WRONG]
    encoded = [
        # Three bytes become four characters, so what stands before a token shifts its spelling;
        # the characters at both ends depend on their neighbours and are left off.
        base64.b64encode(b"x" * shift + token.encode())[4:-4]
        for token in tokens
        for shift in range(3)
    ]
    return [token.encode() for token in tokens] + encoded


def written(world: LiveWorld, folder: Path, said: Said) -> Mapping[str, bytes]:
    """Everything that a job leaves behind, by where it is."""
    objects = world.git("cat-file", "--batch", "--batch-all-objects", "--unordered")
    files = [path for path in folder.iterdir() if path.is_file()]
    journal = world.shell.folder / "newer" / "journal.jsonl"
    return {
        "stdout": said.out.encode(),
        "stderr": said.err.encode(),
        "git": objects.encode(),
        **{path.name: path.read_bytes() for path in (*files, journal)},
    }


def command_lines() -> Iterator[bytes]:
    """The arguments of every process that runs now."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except OSError:
            continue


def found(tokens: list[bytes], places: Mapping[str, bytes]) -> list[str]:
    """Where a token is; the tokens themselves are no part of a test's report either."""
    return [name for name, text in places.items() if any(token in text for token in tokens)]


def in_ci(folder: Path, commit: str) -> Mapping[str, str]:
    """The variables of a run that takes outputs and a summary."""
    return {
        "GITEA_ACTIONS": "true",
        "GITHUB_SHA": commit,
        "GITHUB_RUN_ID": "7",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
    }


@pytest.mark.parametrize("table", ["forge", "fleet", "registry"])
def test_deploy_with_a_wrong_token_fails_without_showing_it(
    world: LiveWorld, tmp_path: Path, table: str
) -> None:
    """The sentence names the service that refused, not what was shown to it."""
    newer = world.push()
    wrong = world.shell.folder / "wrong-token"
    wrong.write_text(WRONG)
    key = "PASSWORD" if table == "registry" else "TOKEN"

    said = world.invoke(
        "deploy",
        **in_ci(tmp_path, newer),
        **QUICK_SOAK,
        **{f"HEADWAY_{table.upper()}__{key}__FILE": str(wrong)},
    )

    services = {"forge": "forge", "fleet": "control plane", "registry": "token server"}
    assert 1 == said.code
    assert services[table] in said.last_line.lower()
    assert "401" in said.last_line
    assert [] == found(spellings(world), written(world, tmp_path, said))


def test_deploy_whose_answers_are_lost_leaves_no_token_behind(
    world: LiveWorld, tmp_path: Path
) -> None:
    """Errors of the transport are told by their kind, never by the request that was sent."""
    newer = world.push()
    for service in ("git", "control_plane", "registry", "forge"):
        world.add_fault(kind="lose_answer", service=service, times=1)
        world.add_fault(kind="lose_answer", service=service, status=502, after=1, times=1)

    said = world.invoke("deploy", "--json", **in_ci(tmp_path, newer), **QUICK_SOAK)

    places = written(world, tmp_path, said)
    assert newer == said.document["release"]
    assert {"journal.jsonl", "output", "summary"} <= set(places)
    assert [] == found(spellings(world), places)


def test_deploy_leaves_no_token_behind_and_shows_none_in_the_list_of_processes(
    world: LiveWorld, tmp_path: Path
) -> None:
    """Looked at with every event of the deploy, while git and the job are held in the act."""
    newer = world.push()
    tokens, seen = spellings(world), set[bytes]()
    world.add_fault(kind="delay", service="git", before_s=0.2)
    since = world.count()
    words = ["deploy", "--config", world.config()]
    with world.shell.start(*words, **in_ci(tmp_path, newer), **QUICK_SOAK) as job:

        def look(one: Mapping[str, object]) -> bool:
            seen.update(command_lines())
            return "held by nobody" in str(one["note"])

        world.wait_for(look, since)
        said = job.finish()

    assert ("deployed", 0) == said.end
    assert [] == found(tokens, written(world, tmp_path, said))
    assert any(line.startswith(b"git\0") and b"push" in line for line in seen)
    assert [] == [line for line in seen if any(token in line for token in tokens)]
