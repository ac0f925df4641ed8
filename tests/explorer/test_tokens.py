"""A token and a file say the same schedule everywhere; what is none is refused with a reason."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from release.core.policy import OnNewer
from release.errors import Invalid
from simulator.explorer.schedule import Schedule, Step
from simulator.explorer.scope import JobKind, JobSpec, Kind, Scope
from simulator.explorer.token import from_file_text, from_token, is_token, to_file_text, to_token
from tests.explorer.counterexamples import SCOPES, find
from tests.explorer.weakened import SOURCES

# Printed by an earlier run: a token is kept in tickets and has to say the same for ever.
PRINTED = (
    "hw1.ePkKgDuvo4mhFBQCwCiA5fmi1OSM1ORsUAZAzuG1oJSbn5"
    "kMyvvRBMPaUQlb3BOMAycc2sDiWJMd1CpscrG1AI3BcHY"
)

WIDE = Schedule(
    scope=Scope(
        jobs=(
            JobSpec(name="A", release=1, push=1),
            JobSpec(name="R", release=0, kind=JobKind.ROLLBACK, after=0),
        ),
        kinds=frozenset({Kind.TIMEOUT, Kind.CRASH, Kind.LAG}),
        tenants=8,
        faults=2,
        on_newer=OnNewer.FINISH,
        is_healed=False,
    ),
    steps=(Step(actor="A", operation="edge.observe", flavour="draining", which=2),),
    promise="P4 progress: a job waits for ever",
)

DIGEST = """
import sys
from simulator.explorer.picture import replay_text
sys.stdout.write(replay_text(sys.argv[1]))
"""
MAKE = """
import sys
from tests.explorer.counterexamples import find
from simulator.explorer.token import to_token
sys.stdout.write(to_token(find(sys.argv[1])))
"""


def run(program: str, argument: str, *, seed: str = "0", python: str = sys.executable) -> str:
    """What a program prints under another seed of hashing, or another Python without packages."""
    done = subprocess.run(
        [python, "-c", program, argument],
        cwd=SOURCES,
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def python_of(version: str) -> str:
    """An interpreter of that version, as pyenv keeps them; skips the test where there is none."""
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} here")
    return str(found[-1])


@pytest.mark.parametrize("name", SCOPES)
def test_token_and_file_hold_the_whole_schedule(name: str) -> None:
    """What is read back is equal to what was written."""
    schedule = find(name)

    assert schedule == from_token(to_token(schedule))
    assert schedule == from_file_text(to_file_text(schedule), "found.json")


def test_every_field_of_a_scope_travels() -> None:
    """Kinds, policies, other verbs and equal choices are kept too."""
    assert WIDE == from_token(to_token(WIDE))
    assert WIDE == from_file_text(to_file_text(WIDE), "found.json")


def test_printed_token_is_understood_for_ever() -> None:
    """The form of a version never changes: an old token is today's schedule."""
    assert find("recheck") == from_token(PRINTED)


def test_token_is_one_short_word() -> None:
    """A token can be pasted into a shell without quotes, and may be wrapped by a mail."""
    token = to_token(find("mutex"))

    wrapped = f"{token[:40]}\n  {token[40:]}\n"

    assert len(token) < 200
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert find("mutex") == from_token(wrapped)


def test_file_names_its_choices() -> None:
    """A file has one choice a line, by its names, so that people can read and mend it."""
    lines = to_file_text(find("recheck")).splitlines()

    assert '    {"actor": "A", "operation": "forge.head", "flavour": "ok"},' in lines


def test_saved_token_is_read_as_a_file() -> None:
    """A file may hold a token instead."""
    assert find("recheck") == from_file_text(f"{PRINTED}\n", "found.txt")


def test_torn_token_is_refused() -> None:
    """Whatever is cut off, a token without its end is never half a schedule."""
    torn = [PRINTED[:length] for length in range(len(PRINTED))]

    for token in torn:
        with pytest.raises(Invalid, match="token"):
            from_token(token)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "not a token"),
        ("hello", "not a token"),
        ("hw2.ePkKgDuv", "a schedule of another version"),
        ("hw0.ePkKgDuv", "a schedule of another version"),
        ("hw1.", "foreign letters"),
        ("hw1.abc$def", "foreign letters"),
        ("hw1.AAAA", "torn or changed"),
        (PRINTED + "AAAA", "torn"),
        (PRINTED.replace("CwCiA", "CwCiB"), "torn or changed"),
    ],
)
def test_what_is_no_token_is_refused(token: str, said: str) -> None:
    """A token says in its first letters whether it can be read, and carries a checksum."""
    with pytest.raises(Invalid, match=said):
        from_token(token)


def test_token_that_unpacks_to_a_flood_is_refused() -> None:
    """A short token can't make its reader hold more than a schedule needs."""
    flood = replace(find("recheck"), promise="x" * (2 << 20))

    with pytest.raises(Invalid, match="torn"):
        from_token(to_token(flood))


def mended(**changes: object) -> str:
    """The text of a good file in which something at the top was changed."""
    form = json.loads(to_file_text(WIDE))
    return json.dumps(form | changes)


JOB = {"name": "A", "release": 1, "push": 1}
CHOICE = {"actor": "A", "operation": "forge.head", "flavour": "ok"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "found.json: not JSON"),
        ("[" * 100_000, "found.json: not JSON"),
        ("[]", "found.json: not a schedule"),
        ("{}", "found.json: not a schedule"),
        (mended(version=2), "found.json: a schedule of another version"),
        (mended(hope=1), "hope: a schedule that can't be read"),
        (mended(scope={}), r"scope.jobs: .* \(seen: nothing"),
        (mended(scope=7), "scope: .* expected: an object"),
        (mended(scope={"jobs": [JOB], "hope": 1}), "scope.hope: .* an unknown key"),
        (mended(scope={"jobs": [JOB], "tenants": "3"}), "scope.tenants: .* a whole number"),
        (mended(scope={"jobs": [JOB], "tenants": True}), "scope.tenants: .* a whole number"),
        (mended(scope={"jobs": [JOB], "kinds": ["rain"]}), "scope.kinds: .*'rain'"),
        (mended(scope={"jobs": [JOB], "faults": 99}), "--faults: out of range"),
        (mended(scope={"jobs": [JOB, JOB]}), "scope.jobs: .* names that differ"),
        (mended(scope={"jobs": [JOB | {"name": "world"}]}), "scope.jobs: .* 'world'"),
        (mended(scope={"jobs": [{"name": "A"}]}), r"scope.jobs\[0\].release"),
        (mended(scope={"jobs": [JOB | {"kind": "tea"}]}), r"scope.jobs\[0\].kind: .*'tea'"),
        (mended(choices=None), "choices: .* expected: a list"),
        (mended(choices=[CHOICE, 7]), r"choices\[1\]: .* expected: an object"),
        (mended(choices=[CHOICE | {"which": -1}]), r"choices\[0\].which"),
        (mended(choices=[{"actor": "A"}]), r"choices\[0\].operation: .*seen: nothing"),
        (mended(choices=[CHOICE | {"when": 1}]), r"choices\[0\].when: .* an unknown key"),
    ],
)
def test_file_that_is_no_schedule_is_refused_by_path(text: str, said: str) -> None:
    """Whatever is wrong in a file is named with its place in it."""
    with pytest.raises(Invalid, match=said):
        from_file_text(text, "found.json")


@pytest.mark.parametrize(("text", "expected"), [("hw1.abc", True), ("hw12.x", True), ("a", False)])
def test_token_is_told_from_the_name_of_a_file(text: str, *, expected: bool) -> None:
    """Whoever types either need not say which."""
    assert expected == is_token(text)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lease", "lease-piecemeal"])
def test_token_is_the_same_under_every_seed_of_hashing(name: str) -> None:
    """Neither what is found nor how it is written rests on the order of a set."""
    tokens = {run(MAKE, name, seed=seed) for seed in ("1", "2")}

    assert tokens == {to_token(find(name))}


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("name", ["lease", "lease-retry", "lease-piecemeal"])
def test_token_shows_the_same_picture_under_another_python(name: str, version: str) -> None:
    """A token replays under every supported Python, which needs no package to do it."""
    token = to_token(find(name))
    here = run(DIGEST, token, seed="1")

    there = run(DIGEST, token, seed="2", python=python_of(version))

    assert here == there
    assert find(name).promise in here
