"""The example file is the schema: every key, its default, and nothing else."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import time
from pathlib import Path

import pytest

from release.core.freeze import Day
from release.core.switch import Switch
from release.errors import Invalid
from release.fleet_settings import CommandTable, FleetKind, SwarmTable
from release.overrides import check_keys
from release.settings import Tables
from tests.support.configurations import GITEA_RUN, GITLAB_RUN, load

TABLES = {FleetKind.SWARM: SwarmTable, FleetKind.COMMAND: CommandTable}
EXAMPLE_KEY = re.compile(r"^#(?=\[|\w+ = )(?P<line>.*?)(?P<unset>\s+# unset)?$")


@pytest.fixture
def example(checkout: Path) -> str:
    """The example file."""
    return (checkout / "examples" / "headway.toml").read_text()


def uncomment(example: str, *, with_unset: bool) -> str:
    """The example with every key that it shows as a comment set.

    with_unset: also those whose value is an example, where without it there is none.
    """
    lines = []
    is_unset_table = False
    for line in example.splitlines():
        found = EXAMPLE_KEY.match(line)
        if found is None:
            is_unset_table = is_unset_table and line.startswith("#")
            lines.append(line)
        elif found["line"].startswith("["):
            is_unset_table = bool(found["unset"])
        if found and (with_unset or not (found["unset"] or is_unset_table)):
            lines.append(found["line"])
    return "\n".join(lines)


def of_kind(text: str, kind: FleetKind) -> str:
    """The same file with a fleet of that kind: without the tables of others, and their address."""
    fleet, *tables = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    kept = [one for one in tables if one.startswith(f"[fleet.{kind}]") or "[fleet." not in one]
    whole = "".join([fleet, *kept]).replace('kind = "control_plane"', f'kind = "{kind}"')
    if kind is FleetKind.CONTROL_PLANE:
        return whole
    return whole.replace('url = "https://control.example.com"\n', "")


def schema_paths(kind: type, *path: str) -> set[str]:
    """Every key that the settings have, as an unknown sibling makes them be listed."""
    found = set()
    for name in _known(kind, path):
        inner = _known(kind, (*path, name))
        found |= schema_paths(kind, *path, name) if inner else {".".join((*path, name))}
    return found


def _known(kind: type, path: tuple[str, ...]) -> list[str]:
    plain: object = {"?": 1}
    for name in reversed(path):
        plain = {name: plain if name != "freeze" else [plain]}
    assert kind is Tables
    assert isinstance(plain, dict)
    try:
        check_keys(plain, "x")
    except Invalid as exc:
        return exc.expected.split(", ")
    return []


def paths_of(plain: Mapping[str, object], *path: str) -> set[str]:
    """Every key that a parsed file sets."""
    found = set()
    for name, value in plain.items():
        inner = value[0] if isinstance(value, list) and value and name == "freeze" else value
        if isinstance(inner, dict):
            found |= paths_of(inner, *path, name)
        else:
            found.add(".".join((*path, name)))
    return found


def test_example_shows_the_defaults(example: str) -> None:
    """Setting every key to the value that the example shows changes nothing."""
    assert load(example) == load(uncomment(example, with_unset=False))


def test_least_file_gets_the_same_defaults(example: str) -> None:
    """The example sets no more than what has to be set."""
    assert load() == load(example)


def test_example_is_the_schema(example: str) -> None:
    """Every key that Headway knows stands in the example, and no other."""
    plain = tomllib.loads(uncomment(example, with_unset=True))
    del plain["environments"]

    # A place is one of several keys; the example shows one of them and tells the others.
    places = r"\.(token|password|switch)\.\w+$"
    shown = {re.sub(places, r".\1", path) for path in paths_of(plain)}
    known = {re.sub(places, r".\1", path) for path in schema_paths(Tables)}

    assert known == shown


def test_example_with_everything_set_is_valid(example: str) -> None:
    """The values that the example shows for keys without a default are good ones."""
    text = of_kind(uncomment(example, with_unset=True), FleetKind.CONTROL_PLANE)

    config = load(text)

    assert Switch(file="deploy/enabled", ref="ops") == config.forge.switch
    assert (Day.FRIDAY, Day.SATURDAY, Day.SUNDAY) == config.freezes[0].days
    assert (time(16), time(8)) == (config.freezes[0].start, config.freezes[0].end)
    assert "staging" == load(text, env="staging").forge.branch


@pytest.mark.parametrize("kind", list(FleetKind))
def test_fleet_of_each_kind_is_as_the_example_shows_it(example: str, kind: FleetKind) -> None:
    """Each kind has a table of its own, whose defaults are those that the example shows."""
    text = of_kind(uncomment(example, with_unset=True), kind)

    fleet = load(text).fleet

    tables = {FleetKind.SWARM: fleet.swarm, FleetKind.COMMAND: fleet.command}
    assert kind is fleet.kind
    assert [kind] * (kind in tables) == [one for one, table in tables.items() if table is not None]
    if kind in TABLES:
        defaults = {one.name: one.default for one in fields(TABLES[kind])}
        shown = {name: getattr(tables[kind], name) for name in defaults}
        assert {} == {
            name: default
            for name, default in defaults.items()
            if default not in {None, MISSING, shown[name]}
        }


def test_workflows_of_examples_set_only_what_headway_knows(checkout: Path, example: str) -> None:
    """Every HEADWAY_* variable of an example workflow is one that a configuration takes."""
    forge = example.partition("[forge]")[0] + example[example.index("[fleet]") :]
    for name in ("gitea-deploy.yaml", "github-deploy.yaml", "gitlab-ci.yml"):
        workflow = (checkout / "examples" / name).read_text()
        found = re.findall(r"^\s+(HEADWAY_\w+): (\S+)$", workflow, re.MULTILINE)
        tokens = re.findall(r"HEADWAY_\w+_TOKEN", workflow)
        variables = {key: value for key, value in found if "$" not in value}

        ci = GITEA_RUN if name.startswith("gitea") else GITLAB_RUN
        config = load(forge, variables={**dict.fromkeys(tokens, "t"), **variables}, ci=ci)

        assert {"HEADWAY_FORGE_TOKEN", "HEADWAY_FLEET_TOKEN"} <= set(tokens)
        assert "invoke deploy" in workflow
        assert config.forge.token.env == "HEADWAY_FORGE_TOKEN"
