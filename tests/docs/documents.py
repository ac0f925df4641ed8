"""Reads the fenced blocks and the links of the documents.

This module must not run anything; `test_examples` does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "Command", "find_documents", "read_blocks", "read_commands", "read_links"]

_FENCE = re.compile(r"^```(?P<info>\w+[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)(?P<target>[^)#\s]+)(?:#[^)]*)?\)")
_EXIT = re.compile(r"\s+# exit (?P<code>\d+)$")
_CONTINUED = "> "


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its language, the words after it, its text, and where it starts."""

    document: str
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def is_runnable(self) -> bool:
        """Whether its author says that it runs."""
        return "run" in self.words


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command line of a console block, and what the document says comes of it.

    output: with `...` for whatever a reader need not see; "" where nothing is shown.
    """

    place: str
    line: str
    output: str
    exit_code: int


def find_documents(root: Path) -> tuple[Path, ...]:
    """The README, what stands beside it, and everything in docs/."""
    return tuple(sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md")]))


def read_blocks(path: Path) -> Iterator[Block]:
    """Reads the fenced blocks of a document, in order."""
    text = path.read_text("utf-8")
    for match in _FENCE.finditer(text):
        language, *words = match["info"].split()
        yield Block(
            document=path.name,
            line=text.count("\n", 0, match.start()) + 1,
            language=language,
            words=tuple(words),
            text=match["text"],
        )


def read_commands(block: Block) -> Iterator[Command]:
    """Reads the commands of a console block: `$ ` starts one, `> ` goes on, the rest is output."""
    for number, part in enumerate(re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]):
        lines = part.splitlines()
        ends = 1
        while ends < len(lines) and lines[ends].startswith(_CONTINUED):
            ends += 1
        line = "\n".join([lines[0], *(text.removeprefix(_CONTINUED) for text in lines[1:ends])])
        code = _EXIT.search(line)
        yield Command(
            place=f"{block.document}:{block.line}, command {number + 1}",
            line=_EXIT.sub("", line),
            output="\n".join(lines[ends:]),
            exit_code=int(code["code"]) if code else 0,
        )


def read_links(path: Path) -> Iterator[str]:
    """Reads the targets of the links that lead to other files of the repository."""
    for match in _LINK.finditer(path.read_text("utf-8")):
        yield match["target"]
