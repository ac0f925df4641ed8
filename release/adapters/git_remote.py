"""Names a git remote, checks its address, and holds the token that is shown to it.

This module must not run git; `git_command` does, and hands over what `config` says.
"""

import base64
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from release.adapters.origin import parse_url, shown
from release.core.printable import printable
from release.core.values import Secret
from release.errors import Invalid

__all__ = ["GitRemote"]

# `user@host:path`, as ssh remotes are often written; a slash before the colon would make it a path.
_SCP_LIKE = re.compile(r"(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!//)[^\s:][^\s]*")
_SSH = re.compile(
    r"ssh://(?:[A-Za-z0-9._-]+@)?(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/.*"
)


class GitRemote:
    """A remote repository by https, ssh, or path on this machine.

    token: shown to an http(s) origin alone, by the environment of the git process: it stands in no
        argument, no URL and no file. Forges take any user name beside a token; `x-access-token` is
        the one that all of them know.
    insecure_hosts: hosts that may be spoken to without TLS; loopback always may.
    Raises Invalid for an address that must not be used.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Secret | None = None,
        user: str = "x-access-token",
        insecure_hosts: Iterable[str] = (),
    ) -> None:
        self._hidden: tuple[str, ...] = ()
        self._header: tuple[tuple[str, str], ...] = ()
        if url.startswith(("http://", "https://")):
            parsed = parse_url("git remote", url, insecure_hosts=insecure_hosts)
            self.url = shown(parsed)
            parts = urlsplit(self.url)
            origin = f"{parts.scheme}://{parts.netloc}"
            # When a connection that is used again is cut, git's HTTP library sends the request a
            # second time without a word, and a push that was written is then told as lost.
            self._header = ((f"http.{origin}/.extraHeader", "Connection: close"),)
            if token is not None:
                self._add_token(origin, user, token)
        else:
            _check_other(url)
            self.url = url

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return f"GitRemote({self.url!r})"

    @property
    def config(self) -> tuple[tuple[str, str], ...]:
        """The git configuration, as pairs, under which this remote is named `origin`.

        Holds the token: it goes into the environment of a git process and nowhere else.
        """
        return (("remote.origin.url", self.url), *self._header)

    def redact(self, text: str) -> str:
        """Takes the token, plain or encoded, out of what git or the remote said."""
        for hidden in self._hidden:
            text = text.replace(hidden, "redacted")
        return text

    def _add_token(self, origin: str, user: str, token: Secret) -> None:
        value = token.reveal()
        if not value or not (value.isascii() and value.isprintable()):
            raise Invalid("the token is empty or has a line break in it", on=f"git remote {origin}")
        basic = base64.b64encode(f"{user}:{value}".encode()).decode()
        authorization = (f"http.{origin}/.extraHeader", f"Authorization: Basic {basic}")
        self._header = (*self._header, authorization)
        self._hidden = (basic, value)


def _check_other(url: str) -> None:
    """Accepts ssh and absolute paths; `ext::` and its like run commands, a dash is an option."""
    is_plain = url.isprintable() and "::" not in url and not url.startswith("-")
    is_local = url.startswith(("file:///", "/"))
    if is_plain and (is_local or _SSH.fullmatch(url) or _SCP_LIKE.fullmatch(url)):
        return
    raise Invalid(
        "is not an address that git may be given",
        on="git remote",
        seen=printable(re.sub(r"//[^/@\s]*@", "//", url), 120),
        expected="https://host/path, ssh://user@host/path, user@host:path or an absolute path",
    )
