"""Where IAM's documents are kept, and the forms of their names: every kind of key in one place.

Names are told apart without regard to case (as on AWS) and kept as they were written. A role, user or group holds its inline
policies and the ARNs of its attached ones, so that one read serves an authorisation.

    kind            path                              document
    role            account, name                     name path id arn created description max_session trust tags
                                                      inline{name: text} attached[arn] boundary; service: whose
                                                      service-linked role it is; trusted{arn: id}: whom of this
                                                      account the trust policy meant when it was put
    user            account, name                     name path id arn created tags inline attached boundary groups[name]
    group           account, name                     name path id arn created inline attached
    member          account, group name, user name    {}: who is in the group
    instance-profile account, name                    name path id arn created tags role (its name, or null)
    policy          account, name                     name path id arn created updated description tags
                                                      default versions{v1: {document, created}}
    attachment      account, policy arn, kind, name   {}: who has the policy attached
    boundary-use    account, policy arn, kind, name   {}: whose permissions boundary the policy is
    user-key        account, user name, key id        {}: a user's access keys
    access-key      key id                            see ``credentials``
    use             "key", key id                     date service region: when the key signed a request last
    use             "role", account, role name        the same of a role's sessions
    use             "service", account, user or role id, service   date region: when it called the service last
    root-key        account                           key: the id of the root's own access key
    alias           account                           alias: the account's other name
    alias-owner     alias                             account: an alias is one account's only
    session-expiry  seconds (12 digits), key id       {}: in which order sessions expire
    login-profile   account, user id                  created changed salt digest reset former[[salt, digest]]
    password-policy account                           the members that UpdateAccountPasswordPolicy was given, with AWS's defaults
    mfa-device      account, path and name            serial created tags sealed drawn_id; when it is somebody's: user, enabled,
                                                      user_name, step (of the last code), drift (steps that its clock is ahead)
    user-mfa        account, user id, serial number   {}: a user's devices
    ssh-key         account, user id, key id          id body fingerprint status uploaded
    signing-certificate account, user id, its id      id body status uploaded
    service-credential account, user id, its id       id service user secret (sealed under sealed_as, or the id) status created
    server-certificate account, name                  name path id arn created body expires chain tags
    oidc-provider   account, url without https://     url clients thumbprints created tags
    saml-provider   account, name                     name arn metadata created tags
    credential-report account                         generated content
    last-accessed-job account, job id                 created type used{service: [{date region info}]}
    role-deletion   account, role name                task: of the last service-linked role of this name

What belongs to one user is kept by the user's id, which never changes.
"""

from __future__ import annotations

from typing import Any

from tabletop.storage import prefixes
from tabletop.storage.documents import Documents

ROLES = Documents(prefixes.IAM, "role")
USERS = Documents(prefixes.IAM, "user")
GROUPS = Documents(prefixes.IAM, "group")
MEMBERS = Documents(prefixes.IAM, "member")
INSTANCE_PROFILES = Documents(prefixes.IAM, "instance-profile")
POLICIES = Documents(prefixes.IAM, "policy")
ATTACHMENTS = Documents(prefixes.IAM, "attachment")
USER_KEYS = Documents(prefixes.IAM, "user-key")
ACCESS_KEYS = Documents(prefixes.IAM, "access-key")
SESSION_EXPIRIES = Documents(prefixes.IAM, "session-expiry")
USES = Documents(prefixes.IAM, "use")
ROOT_KEYS = Documents(prefixes.IAM, "root-key")
ALIASES = Documents(prefixes.IAM, "alias")
ALIAS_OWNERS = Documents(prefixes.IAM, "alias-owner")
BOUNDARY_USES = Documents(prefixes.IAM, "boundary-use")
LOGIN_PROFILES = Documents(prefixes.IAM, "login-profile")
PASSWORD_POLICIES = Documents(prefixes.IAM, "password-policy")
MFA_DEVICES = Documents(prefixes.IAM, "mfa-device")
USER_MFA = Documents(prefixes.IAM, "user-mfa")
SSH_KEYS = Documents(prefixes.IAM, "ssh-key")
SIGNING_CERTIFICATES = Documents(prefixes.IAM, "signing-certificate")
SERVICE_CREDENTIALS = Documents(prefixes.IAM, "service-credential")
SERVER_CERTIFICATES = Documents(prefixes.IAM, "server-certificate")
OIDC_PROVIDERS = Documents(prefixes.IAM, "oidc-provider")
SAML_PROVIDERS = Documents(prefixes.IAM, "saml-provider")
CREDENTIAL_REPORTS = Documents(prefixes.IAM, "credential-report")
LAST_ACCESSED_JOBS = Documents(prefixes.IAM, "last-accessed-job")
ROLE_DELETIONS = Documents(prefixes.IAM, "role-deletion")

AWS_ACCOUNT = "aws"
"""The account in the ARNs of the policies that AWS manages."""
NAME_CHARACTERS_MAX = 128
SERIAL_CHARACTERS_MAX = 1000
Document = dict[str, Any]


def arn(account: str, kind: str, path: str, name: str) -> str:
    """``arn:aws:iam::000000000000:role/service/NAME``; ``path`` begins and ends with a slash."""
    return f"arn:aws:iam::{account}:{kind}{path}{name}"


def split_arn(text: str) -> tuple[str, str, str] | None:
    """(account, kind, name) of an IAM ARN; None when it is none."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "iam" or "/" not in parts[5]:
        return None
    kind, _, rest = parts[5].partition("/")
    account, name = parts[4], rest.rsplit("/", 1)[-1]
    if not name or len(name) > NAME_CHARACTERS_MAX or not (account == AWS_ACCOUNT or len(account) == 12):
        return None
    return account, kind, name


def mfa_tail(account: str, serial: str) -> str | None:
    """``/path/NAME`` of a virtual MFA device's serial number; None when it is none of this account."""
    head, mark, tail = serial.partition(f"arn:aws:iam::{account}:mfa/")
    if not mark or head or not tail or len(serial) > SERIAL_CHARACTERS_MAX:
        return None
    return "/" + tail


def federated_arn(account: str, name: str) -> str:
    return f"arn:aws:sts::{account}:federated-user/{name}"


def session_arn(account: str, role_name: str, session_name: str) -> str:
    return f"arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}"
