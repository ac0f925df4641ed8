"""No guard at all: whoever finishes last has the fleet and the tag.

Seen in github.com/CopilotKit/CopilotKit/pull/6174, github.com/i365dev/free4chat/pull/84 and
github.com/PostHog/posthog/issues/9007. It misses everything: two jobs that overlap are enough, and
both of them are green. This module must not look at the branch or the ledger.
"""

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.ports import Ports
from simulator.mutants.steps import carry_out

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Rolls out, verifies, promotes."""
    return await carry_out(ports, assignment)
