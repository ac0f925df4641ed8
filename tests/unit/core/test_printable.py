"""How text from outside becomes safe to show."""

import pytest

from release.core.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Grüße, 世界", "Grüße, 世界"),
        ("a\nb\r\n  c\t d ", "a b c d"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("ab\u202etxt.exe", "ab txt.exe"),
        ("zero\u200bwidth\x00", "zero width"),
        ("log ##[add-mask]deployed", "log ## [add-mask]deployed"),
        ("", ""),
    ],
)
def test_what_terminal_would_obey_is_stripped(text: str, shown: str) -> None:
    """Escapes, line ends, marks that reverse the reading order and commands of a CI are undone."""
    assert shown == printable(text)


def test_long_text_is_cut_with_an_ellipsis() -> None:
    """A cut text is exactly as long as allowed and says that it was cut."""
    assert "abcd…" == printable("abcdefgh", 5)
    assert "abcde" == printable("abcde", 5)


def test_what_lies_far_behind_the_cut_is_still_said_to_be_cut() -> None:
    """A text that begins with much that is stripped does not look whole."""
    assert "a…" == printable("a" + " " * 100 + "b", 5)
