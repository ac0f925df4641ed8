"""How the CI is told: outputs, summary, dotenv, annotations."""

import io
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from release.adapters.ci import CiReport
from release.core.convergence import Convergence, ConvergenceReport, Part
from release.core.outcome import Outcome, Word
from release.core.render import as_markdown, as_sentence
from release.core.values import JobId, Release, Sha

NEWER = Sha("7f25373" + "0" * 33)
OLDER = Sha("7a72516" + "0" * 33)
SUPERSEDED = Outcome(
    word=Word.SUPERSEDED,
    environment="production",
    release=Release(sha=OLDER, tag="staging-7a72516"),
    job=JobId(run="275383", attempt=1, nonce="n1"),
    reason="7f25373 has claimed",
    by=NEWER,
    epoch=None,
)


def read_outputs(path: Path) -> dict[str, str]:
    """Reads a file of outputs as the runner does."""
    found = {}
    lines = iter(path.read_text().splitlines())
    for line in lines:
        name, is_block, delimiter = line.partition("<<")
        if is_block:
            found[name] = "\n".join(takewhile(delimiter.__ne__, lines))
        else:
            name, _, found[name] = line.partition("=")
    return found


def test_outputs_tell_the_outcome(tmp_path: Path) -> None:
    """Later steps read outcome, exit code, release, the newer release, epoch and sentence."""
    path = tmp_path / "output"
    path.write_text("theirs=kept")

    complaints = CiReport(nonce="n0", output_path=path).publish(SUPERSEDED)

    expected = {
        "theirs": "kept",
        "outcome": "superseded",
        "exit_code": "0",
        "release": str(OLDER),
        "by": str(NEWER),
        "epoch": "",
        "reason": "7f25373 has claimed",
        "sentence": as_sentence(SUPERSEDED),
    }
    assert () == complaints
    assert expected == read_outputs(path)


def test_reason_can_not_forge_an_output(tmp_path: Path) -> None:
    """Text from outside stays one line inside a block whose end it can't guess."""
    path = tmp_path / "output"
    outcome = replace(SUPERSEDED, word=Word.FAILED, reason="x\nheadway\noutcome=deployed\n")

    CiReport(nonce="n0", output_path=path).publish(outcome)

    outputs = read_outputs(path)
    assert ("failed", "x headway outcome=deployed") == (outputs["outcome"], outputs["reason"])


def test_summary_is_appended_as_markdown(tmp_path: Path) -> None:
    """What another step has written stays."""
    path = tmp_path / "summary"
    path.write_text("# theirs\n")

    CiReport(nonce="n0", summary_path=path).publish(SUPERSEDED)

    assert "# theirs\n" + as_markdown(SUPERSEDED) == path.read_text()


def test_dotenv_keeps_other_lines_and_replaces_ours(tmp_path: Path) -> None:
    """A name stands in GitLab's file once, also when a job runs several steps."""
    path = tmp_path / "headway.env"
    path.write_text("theirs=kept\noutcome=failed\n")
    report = CiReport(nonce="n0", dotenv_path=path)

    for _ in range(2):
        report.publish(SUPERSEDED)

    lines = ["theirs=kept", "outcome=superseded", "exit_code=0", f"release={OLDER}", f"by={NEWER}"]
    assert [*lines, "epoch="] == path.read_text().splitlines()


def test_annotations_go_to_the_stream() -> None:
    """A job that stood aside is seen beside the run."""
    stream = io.StringIO()

    CiReport(nonce="n0", stream=stream).publish(SUPERSEDED)

    expected = f"::notice title=superseded on production::{as_sentence(SUPERSEDED)}\n"
    assert expected == stream.getvalue()


def test_what_can_not_be_written_is_complained_of_and_fails_nothing(tmp_path: Path) -> None:
    """A missing folder and a closed stream come back as sentences; the rest is written."""
    gone = tmp_path / "gone" / "file"
    stream = io.StringIO()
    stream.close()
    report = CiReport(
        nonce="n0", stream=stream, output_path=gone, summary_path=gone, dotenv_path=gone
    )

    complaints = report.publish(SUPERSEDED)

    assert 4 == len(complaints)
    assert all(str(gone) in complaint for complaint in complaints[:3])


def test_check_of_convergence_is_told_under_the_same_names(tmp_path: Path) -> None:
    """Outputs, summary, dotenv and annotations, as of a job's outcome."""
    old = Part(name="tenant acme", state=Convergence.BEHIND, seen=OLDER, note="older")
    found = ConvergenceReport(
        environment="production", target=NEWER, mark=NEWER, head=NEWER, parts=(old,)
    )
    stream = io.StringIO()
    output, summary, dotenv = (tmp_path / name for name in ("output", "summary", "dotenv"))

    complaints = CiReport(
        nonce="n0", stream=stream, output_path=output, summary_path=summary, dotenv_path=dotenv
    ).publish_convergence(found)

    outputs = read_outputs(output)
    assert () == complaints
    assert ("behind", "1", str(NEWER)) == tuple(
        outputs[name] for name in ("outcome", "exit_code", "release")
    )
    assert outputs["sentence"].startswith("behind: production: 0 of 1 on 7f25373")
    assert summary.read_text().startswith("### behind: production\n")
    assert {"outcome=behind", "exit_code=1"} <= set(dotenv.read_text().splitlines())
    assert stream.getvalue().startswith("::error title=behind on production::")
