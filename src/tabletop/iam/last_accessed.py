"""What a user, group, role or policy could reach, and when it last did: service by service, from the notes of ``uses``.

A report is made at once and kept as it was made, the newest ``JOBS_KEPT`` of an account. Services are those that the
policies name; ``*`` stands for those that are here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.authorization import Authorizer
from tabletop.iam.aws_managed import managed_document
from tabletop.iam.holdings import default_document
from tabletop.iam.kinds import GROUP, ROLE, USER
from tabletop.iam.operation import Answer, Change, Params, Read, Write, page, seconds
from tabletop.iam.policies import as_list
from tabletop.iam.records import (
    ATTACHMENTS,
    LAST_ACCESSED_JOBS,
    MEMBERS,
    POLICIES,
    USES,
    Document,
    split_arn,
)
from tabletop.storage.store import Batch, View

JOBS_KEPT = 100
# Namespace -> name; others go by their namespace (AWS has a name for each).
_HERE = {
    "dynamodb": "Amazon DynamoDB",
    "iam": "AWS Identity and Access Management",
    "lambda": "AWS Lambda",
    "logs": "Amazon CloudWatch Logs",
    "sts": "AWS Security Token Service",
}
_KINDS = {kind.word: kind for kind in (USER, GROUP, ROLE)}
_ENTITIES_MAX = 1000


def operations(authorizer: Authorizer) -> tuple[dict[str, Write], dict[str, Read]]:
    def generate(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        entity, account = change.params["Arn"], change.account
        granted = {name for _, text in _policies(authorizer, view, account, entity) for name in _namespaces(text)}
        used = {name: _uses(view, account, entity, name) for name in sorted(granted)}
        digest = hashlib.sha256(change.unique_id.encode()).digest()
        # The time goes first, so that the oldest are the first in order.
        job = str(UUID(bytes=int(now * 1000).to_bytes(6, "big") + digest[:10]))
        batch = Batch()
        jobs = [key for key, _ in LAST_ACCESSED_JOBS.below(view, account)]
        for old in jobs[: max(0, len(jobs) - JOBS_KEPT + 1)]:
            LAST_ACCESSED_JOBS.delete(batch, account, old)
        record = {
            "created": seconds(now),
            "type": change.params.get("Granularity", "SERVICE_LEVEL"),
            "used": used,
        }
        LAST_ACCESSED_JOBS.put(batch, record, account, job)
        return {"JobId": job}, batch

    def list_granting(view: View, call: Call, params: Params) -> Answer:
        policies = _policies(authorizer, view, call.principal.account, params["Arn"], holders_only=True)
        listed = [
            {
                "ServiceNamespace": name,
                "Policies": [_policy(one) for one, text in policies if name in _namespaces(text)],
            }
            for name in params["ServiceNamespaces"]
        ]
        return {"PoliciesGrantingServiceAccess": listed, "IsTruncated": False}

    reads: dict[str, Read] = {
        "GetServiceLastAccessedDetails": get_details,
        "GetServiceLastAccessedDetailsWithEntities": get_entities,
        "ListPoliciesGrantingServiceAccess": list_granting,
    }
    return {"GenerateServiceLastAccessedDetails": generate}, reads


def get_details(view: View, call: Call, params: Params) -> Answer:
    job = _job(view, call, params)

    def entries() -> Iterator[tuple[str, Answer]]:
        for name, used in job["used"].items():
            if name <= params.get("Marker", ""):
                continue
            shape: Answer = {
                "ServiceName": _HERE.get(name, name),
                "ServiceNamespace": name,
                "TotalAuthenticatedEntities": len(used),
            }
            if used:
                last = max(used, key=lambda one: one["date"])
                shape["LastAuthenticated"] = last["date"]
                shape["LastAuthenticatedEntity"] = last["info"]["Arn"]
                shape["LastAuthenticatedRegion"] = last["region"]
            yield name, shape

    return _status(job) | {"JobType": job["type"]} | page(entries(), params, "ServicesLastAccessed")


def get_entities(view: View, call: Call, params: Params) -> Answer:
    job = _job(view, call, params)
    found = sorted(job["used"].get(params["ServiceNamespace"], []), key=lambda one: str(one["info"]["Arn"]))
    entries = (
        (one["info"]["Arn"], {"EntityInfo": one["info"], "LastAuthenticated": one["date"]})
        for one in found
        if one["info"]["Arn"] > params.get("Marker", "")
    )
    return _status(job) | page(entries, params, "EntityDetailsList")


def _status(job: Document) -> Answer:
    return {"JobStatus": "COMPLETED", "JobCreationDate": job["created"], "JobCompletionDate": job["created"]}


def _job(view: View, call: Call, params: Params) -> Document:
    job = LAST_ACCESSED_JOBS.get(view, call.principal.account, params["JobId"])
    if job is None:
        # Inferred words.
        raise ApiError("NoSuchEntity", f"Job {params['JobId']} cannot be found.", status=404)
    return job


def _policies(
    authorizer: Authorizer, view: View, account: str, entity: str, *, holders_only: bool = False
) -> list[tuple[str, str]]:
    """(name as ``NamedPolicy`` has it, text) of what the entity holds, or of the policy that it is; NoSuchEntity."""
    parts = split_arn(entity)
    if parts is not None and parts[1] in _KINDS and parts[0] == account:
        record = _KINDS[parts[1]].find(view, account, parts[2])
        held = authorizer.holdings.policies_held_by(view, parts[1], account, record["name"])
        if held is not None and record["arn"] == entity:
            return [(named.name, named.policy.document) for named in held[0]]
    elif parts is not None and parts[1] == "policy" and not holders_only:
        text = managed_document(entity)
        own = POLICIES.get(view, account, parts[2].lower()) if parts[0] == account else None
        if own is not None and own["arn"] == entity:
            text = default_document(own)
        if text is not None:
            return [(entity, text)]
    # Inferred words.
    raise ApiError("NoSuchEntity", f"The entity with ARN {entity} cannot be found.", status=404)


def _namespaces(text: str) -> set[str]:
    """The services of which the document allows something."""
    found: set[str] = set()
    for statement in as_list(orjson.loads(text)["Statement"]):
        if statement["Effect"] == "Allow":
            names = {action.partition(":")[0].lower() for action in as_list(statement.get("Action", "*"))}
            found |= set(_HERE) if "*" in names else names
    return found


def _policy(name: str) -> Answer:
    """``inline NAME of ARN``, or an ARN."""
    if not name.startswith("inline "):
        return {"PolicyName": name.rsplit("/", 1)[-1], "PolicyType": "MANAGED", "PolicyArn": name}
    policy, _, owner = name.removeprefix("inline ").partition(" of ")
    parts = split_arn(owner)
    assert parts is not None
    return {"PolicyName": policy, "PolicyType": "INLINE", "EntityType": parts[1].upper(), "EntityName": parts[2]}


def _uses(view: View, account: str, entity: str, service: str) -> list[dict[str, Any]]:
    """Who of those that the entity is or stands for used the service: date, region, info (AWS's EntityInfo)."""
    found = []
    for kind, record in _holders(view, account, entity)[:_ENTITIES_MAX]:
        use = USES.get(view, "service", account, record["id"], service)
        if use is not None:
            info = {
                "Arn": record["arn"],
                "Name": record["name"],
                "Type": kind,
                "Id": record["id"],
                "Path": record["path"],
            }
            found.append({"date": use["date"], "region": use["region"], "info": info})
    return found


def _holders(view: View, account: str, entity: str) -> Sequence[tuple[str, Document]]:
    """(type, record) of the users and roles behind an entity."""
    parts = split_arn(entity)
    assert parts is not None
    _, kind, name = parts
    if kind in ("user", "role"):
        return [(kind.upper(), _KINDS[kind].find(view, account, name))]
    if kind == "group":
        return _members(view, account, name)
    found = {record["arn"]: (word.upper(), record) for word, record in _attached(view, account, entity)}
    return list(found.values())


def _members(view: View, account: str, group: str) -> list[tuple[str, Document]]:
    return [("USER", USER.find(view, account, name)) for name, _ in MEMBERS.below(view, account, group.lower())]


def _attached(view: View, account: str, policy_arn: str) -> Iterator[tuple[str, Document]]:
    for word in ("user", "role"):
        for name, _ in ATTACHMENTS.below(view, account, policy_arn, word):
            yield word, _KINDS[word].find(view, account, name)
    for group, _ in ATTACHMENTS.below(view, account, policy_arn, "group"):
        yield from ((word.lower(), record) for word, record in _members(view, account, group))
