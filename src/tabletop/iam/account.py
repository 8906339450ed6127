"""What belongs to an account as a whole: its alias, and GetAccountSummary's counts and quotas."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.access_keys import KEYS_MAX
from tabletop.iam.groups import GROUPS_PER_USER_MAX
from tabletop.iam.holders import ATTACHED_MAX
from tabletop.iam.kinds import GROUP, ROLE, USER
from tabletop.iam.managed_policies import DOCUMENT_BYTES_MAX
from tabletop.iam.operation import Answer, Change, Params, Read, Write
from tabletop.iam.policy_versions import VERSIONS_MAX
from tabletop.iam.records import (
    ALIAS_OWNERS,
    ALIASES,
    GROUPS,
    INSTANCE_PROFILES,
    MFA_DEVICES,
    OIDC_PROVIDERS,
    POLICIES,
    ROLES,
    SAML_PROVIDERS,
    SERVER_CERTIFICATES,
    USER_MFA,
    USERS,
)
from tabletop.iam.roles import TRUST_BYTES_MAX
from tabletop.iam.server_certificates import CERTIFICATES_MAX as SERVER_CERTIFICATES_MAX
from tabletop.iam.signing_certificates import CERTIFICATES_MAX as SIGNING_CERTIFICATES_MAX
from tabletop.storage.store import Batch, View

# AWS's default quotas. Those on numbers of users, groups, roles, policies and profiles are told and not enforced.
_QUOTAS = {
    "UsersQuota": 5000,
    "GroupsQuota": 300,
    "RolesQuota": 1000,
    "PoliciesQuota": 1500,
    "InstanceProfilesQuota": 1000,
    "ServerCertificatesQuota": SERVER_CERTIFICATES_MAX,
    "SigningCertificatesPerUserQuota": SIGNING_CERTIFICATES_MAX,
    "PolicyVersionsInUseQuota": 10_000,
    "GroupsPerUserQuota": GROUPS_PER_USER_MAX,
    "AccessKeysPerUserQuota": KEYS_MAX,
    "UserPolicySizeQuota": USER.inline_bytes_max,
    "GroupPolicySizeQuota": GROUP.inline_bytes_max,
    "RolePolicySizeQuota": ROLE.inline_bytes_max,
    "PolicySizeQuota": DOCUMENT_BYTES_MAX,
    "AssumeRolePolicySizeQuota": TRUST_BYTES_MAX,
    "VersionsPerPolicyQuota": VERSIONS_MAX,
    "AttachedPoliciesPerUserQuota": ATTACHED_MAX,
    "AttachedPoliciesPerGroupQuota": ATTACHED_MAX,
    "AttachedPoliciesPerRoleQuota": ATTACHED_MAX,
    "GlobalEndpointTokenVersion": 1,
}
# What does not exist here.
_NONE = {
    "AccountMFAEnabled": 0,
    "AccountPasswordPresent": 0,
    "AccountSigningCertificatesPresent": 0,
}


def create_alias(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """An account has one alias: a second one takes the first one's place, as on AWS."""
    alias, account = change.params["AccountAlias"], change.account
    owner = ALIAS_OWNERS.get(view, alias)
    if owner is not None and owner["account"] != account:
        raise ApiError("EntityAlreadyExists", f"The account alias {alias} already exists.", status=409)
    batch = Batch()
    present = ALIASES.get(view, account)
    if present is not None:
        ALIAS_OWNERS.delete(batch, present["alias"])
    ALIAS_OWNERS.put(batch, {"account": account}, alias)
    ALIASES.put(batch, {"alias": alias}, account)
    return {}, batch


def delete_alias(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    alias = change.params["AccountAlias"]
    present = ALIASES.get(view, change.account)
    if present is None or present["alias"] != alias:
        # Inferred words.
        raise ApiError("NoSuchEntity", f"The account alias {alias} cannot be found.", status=404)
    batch = Batch()
    ALIAS_OWNERS.delete(batch, alias)
    ALIASES.delete(batch, change.account)
    return {}, batch


def list_aliases(view: View, call: Call, params: Params) -> Answer:
    present = ALIASES.get(view, call.principal.account)
    return {"AccountAliases": [] if present is None else [present["alias"]], "IsTruncated": False}


def get_summary(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    policies = [record for _, record in POLICIES.below(view, account)]
    counts = {
        "Users": USERS.count(view, account),
        "Groups": GROUPS.count(view, account),
        "Roles": ROLES.count(view, account),
        "InstanceProfiles": INSTANCE_PROFILES.count(view, account),
        "Policies": len(policies),
        "PolicyVersionsInUse": sum(len(record["versions"]) for record in policies),
        "MFADevices": MFA_DEVICES.count(view, account),
        "MFADevicesInUse": USER_MFA.count(view, account),
        "ServerCertificates": SERVER_CERTIFICATES.count(view, account),
        "Providers": OIDC_PROVIDERS.count(view, account) + SAML_PROVIDERS.count(view, account),
        # The root always has a key here: the well-known one, or the one of the strict mode.
        "AccountAccessKeysPresent": 1,
    }
    return {"SummaryMap": dict(sorted((counts | _NONE | _QUOTAS).items()))}


WRITES: dict[str, Write] = {"CreateAccountAlias": create_alias, "DeleteAccountAlias": delete_alias}
READS: dict[str, Read] = {"ListAccountAliases": list_aliases, "GetAccountSummary": get_summary}
