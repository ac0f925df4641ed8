"""A command of the user's own runs bounded, without a shell, and never shows a token."""

import asyncio
import fcntl
import os
import sys
from pathlib import Path

import pytest

from release.adapters.command import CommandRun, CommandRunner
from release.core.values import Secret
from release.errors import Refused

TOKEN = Secret("t0ken-of-a-test")
ENVIRONMENT = {"PATH": os.environ["PATH"]}


def run(
    *words: str,
    timeout_s: float = 60.0,
    kill_after_s: float = 5.0,
    out_bytes_max: int = 2**20,
) -> CommandRun:
    """Runs a command to its end."""
    runner = CommandRunner(
        ENVIRONMENT, secrets=(TOKEN,), kill_after_s=kill_after_s, out_bytes_max=out_bytes_max
    )
    return asyncio.run(runner.run(words, timeout_s=timeout_s))


def python(program: str, *words: str) -> tuple[str, ...]:
    """A command that runs a program of one line."""
    return (sys.executable, "-c", program, *words)


def is_locked(path: Path) -> bool:
    """Whether somebody who still lives holds the file."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_output_last_words_and_exit_code_are_told_apart() -> None:
    """A run holds what was printed, what was said for people, and how it ended."""
    done = run("sh", "-c", "echo acme; echo one >&2; echo two >&2; exit 3")

    assert (b"acme\n", "one / two", 3) == (done.out, done.err, done.code)
    assert done.is_final
    assert "exit code 3, and said: one / two" == done.end


def test_words_are_arguments_and_no_shell_sees_them() -> None:
    """What a shell would obey or part stays one argument."""
    words = ("$(id)", "a b", ";", "*", "")

    done = run(*python("import sys; print(sys.argv[1:])", *words))

    assert f"{list(words)}\n" == done.out.decode()


def test_command_has_no_input_and_only_the_environment_that_it_is_given() -> None:
    """It can't wait for somebody to type, and knows nothing of ours that it was not handed."""
    done = run("sh", "-c", "cat; env | grep -v -e ^PWD= -e ^SHLVL= -e ^_= | cut -d= -f1")

    assert b"PATH\n" == done.out


def test_command_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    """Nothing that it started outlives it, and how it ended is told."""
    lock = tmp_path / "lock"

    done = run("sh", "-c", f"flock {lock} sleep 60 & wait", timeout_s=0.3)

    assert not done.is_final
    assert "took longer than 0.3 s and was ended" == done.cut
    assert not is_locked(lock)


def test_command_that_ignores_being_asked_is_killed() -> None:
    """SIGTERM is followed by SIGKILL."""
    done = run("sh", "-c", "trap '' TERM; sleep 60", timeout_s=1.0, kill_after_s=0.2)

    assert (-9, False) == (done.code, done.is_final)


def test_command_that_tidies_up_when_asked_is_given_time_to() -> None:
    """What it does behind SIGTERM is heard, and its exit code is not taken for an answer."""
    script = "trap 'echo undone >&2; exit 0' TERM; sleep 60 & wait"

    done = run("sh", "-c", script, timeout_s=1.0, kill_after_s=30.0)

    assert ("undone", 0, False) == (done.err, done.code, done.is_final)


def test_command_that_a_signal_ends_has_no_final_answer() -> None:
    """A signal is a negative code, and is called by its name."""
    done = run("sh", "-c", "kill -9 $$")

    assert (-9, False) == (done.code, done.is_final)
    assert "was ended by SIGKILL, and said nothing on stderr" == done.end


def test_flood_of_output_is_cut_and_said_to_be() -> None:
    """Memory is bounded, the command still ends by itself, and the cut is no secret."""
    done = run(*python("print('x' * 10**7)"), out_bytes_max=1000)

    assert (b"x" * 1000, False, 0) == (done.out, done.is_out_whole, done.code)


def test_last_words_of_a_flood_are_kept() -> None:
    """Of stderr the end is what counts."""
    done = run(*python("import sys; sys.stderr.write('x' * 10**6 + '\\nthe end\\n')"))

    assert "the end" == done.err


def test_command_that_leaves_a_child_behind_has_ended() -> None:
    """Who holds its output open, as a shared ssh connection does, is not waited for."""
    done = run("sh", "-c", "echo acme; sleep 3 & exit 0")

    assert (b"acme\n", 0, True) == (done.out, done.code, done.is_final)


@pytest.mark.parametrize("said", ["{0}", "x" * 20000 + "{0}", "{0}" + "x" * (16 * 2**10 - 5)])
def test_token_is_never_told(said: str) -> None:
    """Neither the last words nor the arguments show one, not even the end of a cut one."""
    program = "import sys; sys.stderr.write(sys.argv[1])"

    done = run(*python(program, said.format(TOKEN.reveal())))

    assert "t0ken" not in done.err + done.line
    assert "of-a-test" not in done.err


def test_message_names_the_command_on_one_printable_line() -> None:
    """Arguments that hold escapes or line ends can't forge a line of the log."""
    done = run("true", "a b", "\x1b[31mred\n::error::no")

    assert "true 'a b' ' [31mred ::error::no'" == done.line


@pytest.mark.parametrize("word", ["no-such-program", "/", "/etc/hosts", "a\0b"])
def test_program_that_can_not_be_started_is_refused(word: str) -> None:
    """Nothing ran, and what to look at is said."""
    with pytest.raises(Refused, match=r"can't be started.*nothing was started"):
        run(word)


def test_cancelled_caller_ends_the_command(tmp_path: Path) -> None:
    """A read that nobody waits for leaves no process behind."""
    lock, ready = tmp_path / "lock", tmp_path / "ready"
    os.mkfifo(ready)
    words = ("sh", "-c", f"flock {lock} sh -c 'echo > {ready}; exec sleep 60'")

    async def cancel() -> None:
        task = asyncio.create_task(CommandRunner(ENVIRONMENT).run(words, timeout_s=60))
        await asyncio.to_thread(ready.read_text)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(cancel())

    assert not is_locked(lock)
