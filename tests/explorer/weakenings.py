"""The pipeline with one line weakened, in every way that the explorer is known to catch.

This module must not run anything.
"""

from tests.explorer.weakenings_of_claims import CLAIMS
from tests.explorer.weakenings_of_core import CORE
from tests.explorer.weakenings_of_rollouts import ROLLOUTS

__all__ = ["WEAKENINGS"]

WEAKENINGS = (*CORE, *CLAIMS, *ROLLOUTS)
"""Each is applied to a copy. Lines that another one covers are no weakenings, and are not here."""
