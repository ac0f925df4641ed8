"""Two environments in one file, and the mistakes that people make with them."""

from pathlib import Path

import pytest

from tests.support.independent import World
from tests.support.independent_registry import RealRegistry

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not RealRegistry.is_installed(), reason="docker-registry is not installed"),
]

STAGING = '[environments.staging.forge]\nbranch = "main"\n'
OWN_LEDGER = '[environments.staging.ledger]\nref = "refs/headway/staging"\n'


def test_environments_never_share_one_record(tmp_path: Path) -> None:
    """A ledger.ref that holds for both is refused: one's mark would supersede the other's jobs."""
    with World(tmp_path, "alpha") as world:
        newer = world.push()

        world.write_config(STAGING)
        shared = world.deploy(newer, "--env", "staging")
        record = world.record()
        world.write_config(STAGING + OWN_LEDGER)
        world.run("ledger-init", "--env", "staging")
        own = world.deploy(newer, "--env", "staging")

        assert 2 == shared.code
        assert "the ledger holds the record of another environment" in shared.last
        assert "production" == record["environment"]
        assert record == world.record()
        assert ("deployed", 0) == (own.outcome, own.code), own.out + own.err
