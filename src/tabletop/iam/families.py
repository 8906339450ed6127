"""All operations of IAM, family by family, in one table of plans and one of reads."""

from __future__ import annotations

from tabletop.iam import (
    absences,
    access_keys,
    account,
    account_details,
    groups,
    instance_profiles,
    managed_policies,
    policy_versions,
    roles,
    simulation,
    users,
)
from tabletop.iam.operation import Read, Write

_BOTH = (roles, managed_policies, policy_versions, users, groups, access_keys, instance_profiles, account)
"""The families that write and read; the others are read only."""

WRITES: dict[str, Write] = {name: write for family in _BOTH for name, write in family.WRITES.items()}
READS: dict[str, Read] = {
    name: read for family in (*_BOTH, account_details, absences) for name, read in family.READS.items()
}

simulations = simulation.operations
"""The simulator's reads, which need the authorizer."""
