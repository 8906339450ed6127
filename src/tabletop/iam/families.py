"""All operations of IAM, family by family, in one table of plans and one of reads."""

from __future__ import annotations

from tabletop.iam import (
    access_keys,
    account,
    account_details,
    credential_report,
    groups,
    identity_providers,
    instance_profiles,
    last_accessed,
    login_profiles,
    managed_policies,
    mfa_devices,
    password_policy,
    policy_versions,
    roles,
    saml_providers,
    server_certificates,
    service_credentials,
    service_linked_roles,
    signing_certificates,
    simulation,
    ssh_public_keys,
    users,
)
from tabletop.iam.authorization import Authorizer
from tabletop.iam.credentials import Keyring
from tabletop.iam.operation import Read, Write

_BOTH = (
    roles, managed_policies, policy_versions, users, groups, access_keys, instance_profiles, account, password_policy,
    ssh_public_keys, signing_certificates, service_credentials, server_certificates, identity_providers, saml_providers,
    service_linked_roles, credential_report,
)  # fmt: skip
"""The families that write and read; the others are read only."""
_WITH_KEYRING = (login_profiles, mfa_devices)

_WRITES: dict[str, Write] = {name: write for family in _BOTH for name, write in family.WRITES.items()}
_READS: dict[str, Read] = {name: read for family in (*_BOTH, account_details) for name, read in family.READS.items()}


def operations(keyring: Keyring, authorizer: Authorizer) -> tuple[dict[str, Write], dict[str, Read]]:
    """IAM's operations: those that write and those that read."""
    writes, reads = dict(_WRITES), _READS | simulation.operations(authorizer)
    further = [family.operations(keyring) for family in _WITH_KEYRING]
    for further_writes, further_reads in (*further, last_accessed.operations(authorizer)):
        writes |= further_writes
        reads |= further_reads
    return writes, reads
