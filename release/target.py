"""Finds the release that a person names: a commit, a branch, or an image tag that exists.

This module must not guess: what names nothing, or an image of no known release, is Invalid.
"""

from release.core.values import Sha
from release.errors import Invalid
from release.ports import Ports
from release.settings import Config

__all__ = ["find_present", "find_target"]


async def find_target(wanted: str, ports: Ports, config: Config) -> Sha:
    """Finds the commit; an image tag is resolved to its release by the ledger or by our label.

    Raises Invalid when nothing has that name, or when the image behind a tag is not the one that
    its release has.
    """
    sha = await ports.forge.resolve(wanted)
    if sha is not None:
        return sha
    repository = config.registry.repositories[0]
    digest = await ports.registry.resolve(repository, wanted)
    if digest is None:
        raise Invalid(
            "names neither a commit nor an image tag",
            on=repr(wanted),
            expected=f"a commit of {config.forge.branch} or a tag of {repository}",
            safe="nothing was touched",
        )
    record = (await ports.ledger.read()).record
    known = record.release_of(repository, digest) if record else None
    sha = known or await ports.registry.revision(repository, digest)
    if sha is None:
        raise Invalid(
            "is an image that names no release",
            on=f"{repository}:{wanted}",
            seen=str(digest),
            expected="the label headway.revision on it, or its digest in the ledger",
        )
    own = await ports.registry.resolve(repository, config.registry.tag_of(sha))
    if own != digest:
        raise Invalid(
            "is not the image of its release",
            on=f"{repository}:{wanted}",
            seen=str(digest),
            expected=f"{own}, which is {config.registry.tag_of(sha)}",
        )
    return sha


async def find_present(ports: Ports) -> Sha:
    """The release that the environment is at by the ledger, else the head of the branch.

    For verbs that are about no release of their own: they have to work while the forge is down.
    """
    record = (await ports.ledger.read()).record
    if record is not None and record.holder is not None:
        return record.holder.release.sha
    if record is not None and record.mark is not None:
        return record.mark
    return await ports.forge.head()
