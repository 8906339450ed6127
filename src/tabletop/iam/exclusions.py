"""Which attached policies SimulatePrincipalPolicy is told to leave out: by type, by ARN, or inline by name and owner."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tabletop.iam.evaluation import NamedPolicy
from tabletop.iam.records import split_arn


def excludes(identifier: Mapping[str, Any], named: NamedPolicy) -> bool:
    """Does this entry of a PolicyExclusionList mean the policy?"""
    inline = named.name.startswith("inline ")
    if "PolicyType" in identifier:
        kind = "inline" if inline else "aws-managed" if ":iam::aws:" in named.name else "user-managed"
        return bool(identifier["PolicyType"] == kind)
    if "PolicyArn" in identifier:
        return not inline and _wild(identifier["PolicyArn"], named.name)
    wanted = identifier.get("InlinePolicyIdentifier")
    if wanted is None or not inline:
        return False
    name, _, owner = named.name.removeprefix("inline ").rpartition(" of ")
    parts = split_arn(owner)
    assert parts is not None
    kind_matches = str(wanted["AttachmentType"]).lower() == parts[1]
    return kind_matches and wanted["PolicyName"] == name and _wild(wanted["AttachmentName"], parts[2])


def _wild(pattern: str, text: str) -> bool:
    source = "".join({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern)
    return re.fullmatch(source, text, re.S) is not None
