"""Reads what the simulated services answer, as the adapters read what real ones do.

This module must not ask anything.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from release.core.sighting import Fencing, Observation, Row, RowState
from release.core.values import Sha, Tenant
from release.errors import Invalid
from simulator.tenants import Answer

__all__ = ["fencing_of", "observation_of", "row_of", "rows_of"]

_OK = 200
_FENCINGS = {"landing": Fencing.LANDING, "door": Fencing.DOOR}
_FAILED = "Failed"


def rows_of(answer: Mapping[str, object]) -> Sequence[Mapping[str, Any]]:
    """The rows of a control plane's answer."""
    rows = answer["results"]
    assert isinstance(rows, list), "the simulated control plane answers with a list of rows"
    return rows


def fencing_of(answer: Mapping[str, object]) -> Fencing:
    """Where the control plane says that it compares the epoch."""
    return _FENCINGS.get(str(answer.get("fenced")), Fencing.NONE)


def row_of(tenant: Tenant, row: Mapping[str, Any] | None) -> Row:
    """What one row means: DONE only with every sign of success that it can carry."""
    if row is None:
        return Row(tenant=tenant, state=RowState.UNANSWERED, note="no row in the answer")
    status = str(row["ssm_status"])
    if status == _FAILED:
        note = str(row.get("error") or f"the remote command ended {status}")
        return Row(tenant=tenant, state=RowState.FAILED, note=note)
    if status != "Success":
        return Row(tenant=tenant, state=RowState.UNANSWERED, note=f"the command is {status}")
    if row.get("verified_on_target") is False:
        note = f"runs {row.get('running_image')}, which is not the target"
        return Row(tenant=tenant, state=RowState.FAILED, note=note)
    if not row["healthz_ok"]:
        return Row(tenant=tenant, state=RowState.FAILED, note="fails its health check")
    return Row(tenant=tenant, state=RowState.DONE)


@lru_cache(maxsize=4096)
def observation_of(tenant: Tenant, answer: Answer) -> Observation:
    """What one answer of an edge tells of the tenant's release."""
    kind = answer.content_type.partition(";")[0]
    if answer.status != _OK:
        return Observation(tenant=tenant, sha=None, reason=f"HTTP {answer.status}, {kind}")
    try:
        told = json.loads(answer.body)["git_sha"]
    except (ValueError, KeyError, TypeError):
        return Observation(tenant=tenant, sha=None, reason=f"no git_sha, {kind}")
    try:
        return Observation(tenant=tenant, sha=Sha(told))
    except Invalid:
        return Observation(tenant=tenant, sha=None, reason=f"answers {told!r}")
