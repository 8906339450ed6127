"""Names and paths that IAM refuses in words of its own, where other services answer with the model's pattern.

Their lengths are checked before, from the model. The words for names and paths are AWS's; that the same check covers
NewPath and PathPrefix is recalled.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tabletop.iam.operation import Params, validation_error

_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII).fullmatch
_PATH = re.compile(r"/|/[!-~]+/").fullmatch
_POLICY_PATH = re.compile(r"(/[A-Za-z0-9.,+@=_-]+)*/").fullmatch
_PREFIX = re.compile(r"/[!-\x7f]*").fullmatch
_NAME_WORDS = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
_PATH_WORDS = "It must begin and end with / and contain only alphanumeric characters and/or / characters."
_PREFIX_WORDS = "It must begin with the / character and contain only alphanumeric characters and/or / characters."

_CHECKS: dict[str, tuple[Callable[[str], object], str]] = {
    **dict.fromkeys(
        (
            "UserName",
            "NewUserName",
            "GroupName",
            "NewGroupName",
            "RoleName",
            "PolicyName",
            "InstanceProfileName",
            "VirtualMFADeviceName",
            "ServerCertificateName",
            "NewServerCertificateName",
        ),
        (_NAME, _NAME_WORDS),
    ),
    "Path": (_PATH, _PATH_WORDS),
    "NewPath": (_PATH, _PATH_WORDS),
    "PathPrefix": (_PREFIX, _PREFIX_WORDS),
}
# Actions whose members of these names have another form: a policy's path has fewer characters, and is a whole one.
_OF_ACTIONS: dict[tuple[str, str], tuple[Callable[[str], object], str]] = {
    ("CreatePolicy", "Path"): (_POLICY_PATH, _PATH_WORDS),
    ("ListPolicies", "PathPrefix"): (_POLICY_PATH, _PATH_WORDS),
    ("ListAttachedRolePolicies", "PathPrefix"): (_POLICY_PATH, _PATH_WORDS),
    ("ListAttachedUserPolicies", "PathPrefix"): (_POLICY_PATH, _PATH_WORDS),
    ("ListAttachedGroupPolicies", "PathPrefix"): (_POLICY_PATH, _PATH_WORDS),
    ("ListEntitiesForPolicy", "PathPrefix"): (_PATH, _PATH_WORDS),
}


def check_names(action: str, params: Params) -> None:
    """Raise ValidationError for the first name or path of the request that is of another form."""
    for member, usual in _CHECKS.items():
        value = params.get(member)
        if not isinstance(value, str):
            continue
        matches, words = _OF_ACTIONS.get((action, member), usual)
        if not matches(value):
            raise validation_error(f"The specified value for {member[0].lower()}{member[1:]} is invalid. {words}")
