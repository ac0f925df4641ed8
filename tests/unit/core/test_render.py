"""How an outcome reads: as a sentence, as JSON, as markdown, as annotations."""

import json
from dataclasses import replace

import pytest

from release.core.outcome import (
    Outcome,
    PointerReport,
    ResourceFencing,
    TenantReport,
    TenantState,
    Word,
)
from release.core.render import annotations, as_document, as_json, as_markdown, as_sentence
from release.core.values import Digest, Image, JobId, Pointer, Release, Sha, Tenant

NEWER = Sha("7f25373" + "0" * 33)
OLDER = Sha("7a72516" + "0" * 33)
DIGEST = Digest("sha256:" + "5c" * 32)
HOSTILE = "a\x1b[2J | `rm` <b> *x* ::error::\nnext " + "y" * 5000


def tenants(count: int, state: TenantState = TenantState.SETTLED) -> tuple[TenantReport, ...]:
    """Reports of numbered tenants in one state."""
    return tuple(
        TenantReport(tenant=Tenant(f"{state}-{number}"), state=state, seen=NEWER)
        for number in range(count)
    )


def pointer(repository: str, *, is_right: bool = True) -> PointerReport:
    """The report of one repository's `latest`."""
    return PointerReport(pointer=Pointer(repository=repository, tag="latest"), is_right=is_right)


DEPLOYED = Outcome(
    word=Word.DEPLOYED,
    environment="production",
    release=Release(
        sha=NEWER, tag="staging-7f25373", images=(Image(repository="acme/app", digest=DIGEST),)
    ),
    job=JobId(run="275427", attempt=1, nonce="n1"),
    reason="every tenant was observed on the release",
    epoch=8,
    tenants=tenants(8),
    pointers=(pointer("acme/app"),),
    fencing=(ResourceFencing(resource="control plane", fencing="fenced"),),
    has_touched=True,
)
SUPERSEDED = replace(
    DEPLOYED,
    word=Word.SUPERSEDED,
    release=Release(sha=OLDER, tag="staging-7a72516"),
    by=NEWER,
    reason="a newer release has claimed, as the ledger says",
    tenants=(),
    pointers=(),
    fencing=(),
    has_touched=False,
)
GLOBEX = TenantReport(
    tenant=Tenant("globex"), state=TenantState.QUARANTINED, seen=OLDER, note="serves 7a72516"
)
FAILED = replace(
    DEPLOYED,
    word=Word.FAILED,
    reason="acme did not come up",
    tenants=(
        *tenants(1),
        TenantReport(tenant=Tenant("acme"), state=TenantState.FAILED, note="exit code 1"),
        *tenants(2, TenantState.UNTOUCHED),
    ),
    pointers=(pointer("acme/app", is_right=False),),
)


def test_sentence_of_deploy_says_what_was_done() -> None:
    """The outcome comes first, then the release, the tenants, the pointers and the fences."""
    expected = (
        "deployed: 7f25373 on production: 8 tenants settled, latest promoted "
        "(fenced: control plane)"
    )

    assert expected == as_sentence(DEPLOYED)


def test_sentence_names_quarantined_first() -> None:
    """A deploy with tolerated stragglers says so before anything else."""
    outcome = replace(DEPLOYED, tenants=(*tenants(7), GLOBEX))

    sentence = as_sentence(outcome)

    assert sentence.startswith("deployed with 1 quarantined (globex): 7f25373 on production: 7 ")


def test_sentence_of_unguarded_run_says_so_first() -> None:
    """A run without a ledger is visible in its first words."""
    outcome = replace(DEPLOYED, is_unguarded=True)
    with_straggler = replace(outcome, tenants=(*tenants(7), GLOBEX))

    assert as_sentence(outcome).startswith("deployed, unguarded: ")
    assert as_sentence(with_straggler).startswith("deployed, unguarded, with 1 quarantined ")


def test_sentence_of_a_rollback_says_so_first() -> None:
    """A fleet that went back on purpose is told apart from one that went forward."""
    outcome = replace(DEPLOYED, is_rollback=True)

    assert as_sentence(outcome).startswith("deployed, rolled back: ")


def test_sentence_of_superseded_names_newer_release() -> None:
    """Whoever stood aside says for whom."""
    expected = (
        "superseded: 7a72516 on production: overtaken by 7f25373: "
        "a newer release has claimed, as the ledger says"
    )

    assert expected == as_sentence(SUPERSEDED)


def test_newer_release_is_named_once() -> None:
    """A reason that names the release is not told twice; without a reason the release stands."""
    told = replace(SUPERSEDED, reason="7f25373 has claimed")
    bare = replace(SUPERSEDED, reason="")

    assert as_sentence(told).endswith("on production: 7f25373 has claimed")
    assert as_sentence(bare).endswith("on production: by 7f25373")


def test_sentence_of_failure_gives_reason_and_lists_tenants_by_state() -> None:
    """A failure says why, and how each tenant and pointer was left."""
    expected = (
        "failed: 7f25373 on production: acme did not come up; 1 tenant settled, 1 failed (acme), "
        "2 untouched (untouched-0, untouched-1), acme/app:latest not on it (fenced: control plane)"
    )

    assert expected == as_sentence(FAILED)


def test_sentence_counts_repositories_and_shortens_lists() -> None:
    """Several pointers are counted, and more than five names are not listed."""
    outcome = replace(
        DEPLOYED,
        word=Word.VERIFIED,
        tenants=tenants(7, TenantState.UNSETTLED),
        pointers=(pointer("acme/app"), pointer("acme/web")),
        fencing=(),
    )

    sentence = as_sentence(outcome)

    assert "7 unsettled (unsettled-0, unsettled-1, unsettled-2, unsettled-3" in sentence
    assert "and 2 more), latest in 2 repositories on it" in sentence


def test_sentence_of_deploy_without_observations_gives_reason() -> None:
    """What there is nothing to count for is explained by its reason, fences beside it."""
    outcome = replace(DEPLOYED, tenants=(), pointers=())

    assert as_sentence(outcome).endswith("on production: (fenced: control plane)")
    assert as_sentence(replace(outcome, fencing=())).endswith(f"production: {DEPLOYED.reason}")


@pytest.mark.parametrize("word", list(Word))
def test_sentence_is_one_line_that_begins_with_its_word(word: Word) -> None:
    """Whatever outside text holds, the line is one, bounded, and its first word is the outcome."""
    outcome = replace(FAILED, word=word, reason=HOSTILE, environment="production")

    sentence = as_sentence(outcome)

    assert word == sentence.split(":")[0]
    assert sentence.isprintable()
    assert len(sentence) <= 2000


def test_document_has_the_same_keys_for_every_outcome() -> None:
    """Whoever reads the JSON finds each key always, null or empty when nothing is known."""
    keys = (
        "outcome exit_code sentence reason environment release tag images by epoch job touched "
        "unguarded rollback tenants pointers fencing warnings"
    )

    assert keys.split() == list(as_document(DEPLOYED)) == list(as_document(SUPERSEDED))


def test_document_tells_whole_ids_and_every_tenant() -> None:
    """Machines get commit ids in full and one entry for each tenant and pointer."""
    document = json.loads(as_json(FAILED))

    assert ("failed", 1, str(NEWER), 8) == tuple(
        document[key] for key in ("outcome", "exit_code", "release", "epoch")
    )
    assert {"acme/app": str(DIGEST)} == document["images"]
    assert {"tenant": "acme", "state": "failed", "seen": None, "note": "exit code 1"} == document[
        "tenants"
    ][1]
    assert [{"pointer": "acme/app:latest", "right": False, "note": ""}] == document["pointers"]
    assert str(NEWER) == json.loads(as_json(SUPERSEDED))["by"]


def test_markdown_shows_every_section() -> None:
    """The summary holds headline, facts, tenants, pointers, fences and warnings."""
    text = as_markdown(replace(FAILED, warnings=("the head could not be read",)))

    for line in (
        "### failed: `7f25373` on production",
        f"| release | `{NEWER}` |",
        "| exit code | 1 |",
        "| acme | failed |  | exit code 1 |",
        "| acme/app:latest | **not on the release** |  |",
        "| control plane | fenced |",
        "- **warning:** the head could not be read",
    ):
        assert line in text.splitlines()


def test_markdown_of_superseded_leaves_out_what_there_is_none_of() -> None:
    """Empty tables are not shown."""
    text = as_markdown(SUPERSEDED)

    assert f"| overtaken by | `{NEWER}` |" in text
    assert "| tenant |" not in text
    assert "| pointer |" not in text


def test_markdown_escapes_text_from_outside() -> None:
    """A note can neither end its cell, nor its line, nor bring in markup."""
    report = TenantReport(tenant=Tenant("acme"), state=TenantState.FAILED, note=HOSTILE)

    text = as_markdown(replace(FAILED, tenants=(report,), warnings=(HOSTILE,)))

    (line,) = (line for line in text.splitlines() if line.startswith("| acme | failed"))
    assert r"a \[2J \| \`rm\` &lt;b&gt; \*x\* ::error:: next yyy" in line
    assert "\x1b" not in text


def test_markdown_of_large_fleet_lists_only_what_has_not_settled() -> None:
    """Above fifty tenants the settled ones are counted."""
    few = as_markdown(replace(DEPLOYED, tenants=tenants(50)))
    many = as_markdown(replace(DEPLOYED, tenants=(*tenants(50), GLOBEX)))
    settled = as_markdown(replace(DEPLOYED, tenants=tenants(51)))

    assert "| settled-49 | settled |" in few
    assert "settled-49" not in many
    assert "| globex | quarantined | `7a72516` | serves 7a72516 |" in many
    assert "50 settled tenants are not listed." in many
    assert "51 settled tenants are not listed." in settled
    assert "| tenant |" not in settled


def test_markdown_stays_far_below_what_ci_takes() -> None:
    """Ten thousand unsettled tenants with hostile notes make less than one MiB."""
    report = replace(tenants(1, TenantState.UNSETTLED)[0], note="<" * 5000)
    outcome = replace(FAILED, tenants=(report,) * 10_000, warnings=(HOSTILE,) * 1000)

    text = as_markdown(outcome)

    assert len(text.encode()) < 2**20 * 0.75
    assert "9500 more are not listed." in text
    assert "- 950 more warnings" in text


def test_success_needs_no_annotation() -> None:
    """A deploy in which all is well bothers nobody."""
    assert annotations(DEPLOYED) == ()


@pytest.mark.parametrize(
    ("outcome", "level"),
    [
        (SUPERSEDED, "notice"),
        (replace(SUPERSEDED, word=Word.HELD, by=None), "warning"),
        (replace(DEPLOYED, is_unguarded=True), "warning"),
        (replace(DEPLOYED, tenants=(GLOBEX,)), "warning"),
        (replace(FAILED, tenants=()), "error"),
    ],
)
def test_what_is_not_plain_success_is_annotated(outcome: Outcome, level: str) -> None:
    """Standing aside, holding, stragglers and failures are seen beside the run."""
    expected = f"::{level} title={outcome.word} on production::{as_sentence(outcome)}"

    assert (expected,) == annotations(outcome)


def test_failure_is_annotated_with_its_tenants_and_warnings() -> None:
    """Each tenant that was touched and has not settled has an annotation of its own."""
    found = annotations(replace(FAILED, warnings=("late",)))

    assert "::error title=failed on production::acme is failed: exit code 1" == found[1]
    assert "::warning title=failed on production::late" == found[2]
    assert len(found) == 3


def test_annotations_are_at_most_ten_of_a_kind() -> None:
    """Beyond what a CI shows, the last one counts the rest."""
    found = annotations(replace(FAILED, tenants=tenants(30, TenantState.UNSETTLED)))

    assert len(found) == 10
    assert found[-1].endswith("::22 more, see the summary of the step")


def test_annotation_escapes_what_would_end_it() -> None:
    """Percent signs everywhere, colons and commas in the title are written as the CI wants."""
    outcome = replace(SUPERSEDED, environment="a,b:c", reason="100%\n::error::x")

    (line,) = annotations(outcome)

    assert line.startswith("::notice title=superseded on a%2Cb%3Ac::superseded: ")
    assert line.endswith("100%25 ::error::x")
    assert "\n" not in line
