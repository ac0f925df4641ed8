"""A fleet of commands lists tenants and moves them, and takes nothing for a success by chance."""

import asyncio
import json
from pathlib import Path

import pytest

from release.adapters.command_fleet import CommandFleet
from release.adapters.command_template import CommandTemplate
from release.core.sighting import Candidates, Fencing, Row, RowState
from release.core.values import Tenant
from release.errors import Refused, Unavailable
from tests.support.command_fleets import ACME, DIGEST, GLOBEX, RELEASE, TOKEN, fleet_of, shell

BOTH = (ACME, GLOBEX)
OK = '{"results": [{"tenant": "acme", "ok": true}, {"tenant": "globex", "ok": true}]}'
EVERY_NAME = ("{tag}", "{sha}", "{epoch}", "{environment}", "{phase}", "{image}")


def listed(fleet: CommandFleet, epoch: int | None = None) -> Candidates:
    """What the fleet lists."""
    return asyncio.run(fleet.candidates(RELEASE, epoch=epoch))


def moved(fleet: CommandFleet, tenants: tuple[Tenant, ...] = BOTH) -> tuple[Row, ...]:
    """The rows of a redeploy."""
    return asyncio.run(fleet.redeploy(RELEASE, tenants, epoch=8, phase="batch-1")).rows


def states(rows: tuple[Row, ...]) -> list[str]:
    """The rows without tenants and notes."""
    return [row.state.value for row in rows]


@pytest.mark.parametrize(
    ("script", "is_json"),
    [
        ("printf ' acme \\n\\nglobex'", False),
        ("echo acme; echo globex; echo a warning >&2", False),
        ("""echo '{"tenants": ["acme", "globex"]}'""", True),
    ],
)
def test_tenants_are_listed_in_their_own_order(script: str, is_json: bool) -> None:  # noqa: FBT001 - a parameter of the case
    """As lines or as JSON; what is said on stderr is for people."""
    fleet = fleet_of(candidates=script, is_listing_json=is_json)

    assert Candidates(tenants=BOTH, fencing=Fencing.NONE) == listed(fleet)


@pytest.mark.parametrize(
    ("script", "is_json", "message"),
    [
        ("true", False, "lists no tenant"),
        ("echo no tenants found", False, "lists what can't be a tenant (seen: 'no tenants found'"),
        ("echo -- -rf", False, "lists what can't be a tenant"),
        ("echo acme; echo ACME", False, "lists a tenant twice (seen: 'ACME'"),
        ("printf '\\377'", False, "not text"),
        ("echo acme", True, "lists something else than"),
        ("""echo '{"tenants": ["acme"], "more": 1}'""", True, "lists something else than"),
        ("""echo '{"tenants": "acme"}'""", True, "lists something else than"),
        ("""echo '{"tenants": [1]}'""", True, "lists something else than"),
        ("yes acme", False, "lists more than is read"),
        (f"echo {TOKEN.reveal()}_", False, "(redacted)_"),
    ],
)
def test_listing_that_can_not_be_taken_whole_is_refused(
    script: str,
    is_json: bool,  # noqa: FBT001 - a parameter of the case
    message: str,
) -> None:
    """A list that is wrong in one place is wrong: nobody deploys to half of a fleet."""
    fleet = fleet_of(
        candidates=f"timeout 0.2 {script}; exit 0" if script == "yes acme" else script,
        is_listing_json=is_json,
        runner={"out_bytes_max": 10_000},
    )

    with pytest.raises(Refused) as caught:
        listed(fleet)

    assert message in str(caught.value)
    assert "no tenant was touched" in str(caught.value)


@pytest.mark.parametrize("script", ["echo acme; echo no route >&2; exit 1", "echo acme; kill $$"])
def test_listing_that_fails_is_worth_another_try(script: str) -> None:
    """What it printed before does not count; the message says the command and its last words."""
    with pytest.raises(Unavailable, match=r"sh -c .*could not list.*(exit code 1.*no route|SIGT)"):
        listed(fleet_of(candidates=script))


def test_redeploy_is_told_everything_as_single_arguments(tmp_path: Path) -> None:
    """Tenants, release, epoch, environment, phase and the image by its digest."""
    heard = tmp_path / "heard"
    script = f"printf '%s\\n' \"$@\" >> {heard}"
    fleet = fleet_of(redeploy=shell(script, *EVERY_NAME, "{tenants}", "[{tenants}]"))

    rows = moved(fleet)

    assert ["done", "done"] == states(rows)
    assert [
        *("staging-7f25373", str(RELEASE.sha), "8", "production", "batch-1"),
        *(f"registry.example.com/acme/shop@{DIGEST}", "acme", "globex", "[acme,globex]"),
    ] == heard.read_text().splitlines()


def test_exit_code_is_the_verdict_on_all_tenants_of_its_command() -> None:
    """Not zero is a failure, with the command and its last words in the note."""
    rows = moved(fleet_of(redeploy=shell("echo image not found >&2; exit 4", "{tenants}")))

    assert ["failed", "failed"] == states(rows)
    assert "exit code 4, and said: image not found" in rows[0].note
    assert rows[0].note.startswith("sh -c")


@pytest.mark.parametrize("script", ["kill -9 $$", "exit 255", "sleep 60"])
@pytest.mark.parametrize("is_json", [False, True])
def test_redeploy_without_a_final_answer_is_unanswered(
    script: str,
    is_json: bool,  # noqa: FBT001 - a parameter of the case
) -> None:
    """A signal, a time limit, or a code that says so: the change may have landed, or still may."""
    fleet = fleet_of(
        redeploy=shell(f"echo '{OK}'; {script}", "{tenants}"),
        unknown_exit_codes=frozenset({255}),
        is_result_json=is_json,
        timeout_s=0.5,
    )

    rows = moved(fleet)

    assert ["unanswered", "unanswered"] == states(rows)
    assert "may still move" in rows[0].note


@pytest.mark.parametrize(
    ("answer", "code", "expected"),
    [
        (OK, 0, "done done"),
        (OK, 1, "failed failed"),
        (OK.replace("acme", "ACME"), 0, "done done"),
        (OK.replace("true", "false", 1), 0, "failed done"),
        (OK.replace("true", 'true, "error": "unhealthy"', 1), 0, "failed done"),
        (OK.replace("true", 'false, "error": "unhealthy"', 1), 1, "failed done"),
        ('{"results": [{"tenant": "globex", "ok": true}]}', 0, "unanswered done"),
        ('{"results": []}', 0, "unanswered unanswered"),
        (OK.replace("globex", "acme"), 0, "unanswered unanswered"),
        (OK.replace("]", ', {"tenant": "other", "ok": true}]'), 0, "failed failed"),
        (OK.replace("true", '"true"', 1), 0, "unanswered unanswered"),
        (OK.replace("true", "1", 1), 0, "unanswered unanswered"),
        (OK.replace("ok", "OK", 1), 0, "unanswered unanswered"),
        (OK.replace("}]", '}], "more": 1'), 0, "unanswered unanswered"),
        (f"moving\n{OK}", 0, "unanswered unanswered"),
        ("", 0, "unanswered unanswered"),
        ("", 1, "unanswered unanswered"),
        ("[" * 3000, 0, "unanswered unanswered"),
    ],
)
def test_results_are_read_strictly(answer: str, code: int, expected: str) -> None:
    """Only a result that is whole, of this tenant and good is DONE; a missing one is no answer."""
    redeploy = shell(f"echo '{answer}'; exit {code}", "{tenants}")

    rows = moved(fleet_of(redeploy=redeploy, is_result_json=True))

    assert expected == " ".join(states(rows))


def test_flood_of_results_is_unanswered() -> None:
    """What was not read to its end might say anything there."""
    many = [{"tenant": f"t-{number}", "ok": True} for number in range(200)]
    redeploy = shell(f"echo '{json.dumps({'results': many})}'", "{tenants}")

    rows = moved(fleet_of(redeploy=redeploy, is_result_json=True, runner={"out_bytes_max": 1024}))

    assert ["unanswered", "unanswered"] == states(rows)


def test_error_of_a_result_is_told_without_tokens() -> None:
    """A tool may repeat what it was never to know."""
    answer = f'{{"results": [{{"tenant": "acme", "ok": false, "error": "{TOKEN.reveal()} bad"}}]}}'
    redeploy = shell(f"echo '{answer}'", "{tenants}")

    (row,) = moved(fleet_of(redeploy=redeploy, is_result_json=True), (ACME,))

    assert "t0ken" not in row.note
    assert "(redacted) bad" in row.note


@pytest.mark.parametrize("concurrency", [None, 2])
def test_redeploy_that_can_not_be_started_is_refused(concurrency: int | None) -> None:
    """Nothing was sent, so nothing has to be waited for."""
    redeploy = CommandTemplate(words=("no-such-program", "{tag}"))
    fleet = fleet_of(redeploy=redeploy, concurrency=concurrency)

    with pytest.raises(Refused, match=r"no-such-program .*can't be started"):
        moved(fleet)


def test_each_tenant_may_have_a_command_of_its_own() -> None:
    """One that fails, or is not answered, takes nothing from the others."""
    script = 'case $1 in acme) exit 3;; globex) kill -9 $$;; esac; test "$1" = initech'
    fleet = fleet_of(redeploy=shell(script, "{tenant}"), concurrency=2)

    rows = moved(fleet, (*BOTH, Tenant("initech")))

    assert ["failed", "unanswered", "done"] == states(rows)
    assert [*BOTH, Tenant("initech")] == [row.tenant for row in rows]


def test_commands_of_a_batch_run_together_up_to_a_limit(tmp_path: Path) -> None:
    """Two of four wait for one another; a third at the same time would be seen."""
    script = (
        f"mkdir {tmp_path}/$1; n=0; "
        f"until ls {tmp_path} | grep -q done || [ $(ls {tmp_path} | wc -l) -ge 2 ]; "
        "do sleep 0.02; n=$((n+1)); [ $n -lt 500 ] || exit 1; done; "
        f"[ $(ls {tmp_path} | grep -vc done) -le 2 ] || exit 2; "
        f"rmdir {tmp_path}/$1; touch {tmp_path}/done-$1"
    )
    fleet = fleet_of(redeploy=shell(script, "{tenant}"), concurrency=2)

    rows = moved(fleet, tuple(Tenant(f"t{number}") for number in range(4)))

    assert ["done"] * 4 == states(rows)


def test_command_whose_turn_comes_too_late_is_not_begun(tmp_path: Path) -> None:
    """The time limit is the batch's: past it nobody counts on an effect any more."""
    fleet = fleet_of(
        redeploy=shell(f"touch {tmp_path}/$1; exec sleep 60", "{tenant}"),
        concurrency=1,
        timeout_s=1.5,
    )

    rows = moved(fleet)

    assert ["unanswered", "failed"] == states(rows)
    assert "not begun, as the time was up" == rows[1].note
    assert [Path("acme")] == [path.relative_to(tmp_path) for path in tmp_path.iterdir()]


def test_row_states_are_those_of_the_protocol() -> None:
    """A redeploy is answered when every row has a final state."""
    answered = asyncio.run(fleet_of().redeploy(RELEASE, BOTH, epoch=8, phase="canary"))

    assert answered.is_answered
    assert (RowState.DONE, Fencing.NONE) == (answered.rows[0].state, answered.fencing)
