"""Service-linked roles: made for a service under its own path and name, and changed and deleted by no other operation."""

from __future__ import annotations

import hashlib
from uuid import UUID

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.kinds import ROLE
from tabletop.iam.operation import Answer, Change, Params, Read, Write, seconds
from tabletop.iam.records import ROLE_DELETIONS, USES, Document, arn
from tabletop.iam.roles import SESSION_DEFAULT_S, role_shape
from tabletop.iam.uses import forget
from tabletop.storage.store import Batch, View

_SUFFIX = ".amazonaws.com"
# Service, as far as it stands before the suffix -> what its role is called behind AWSServiceRoleFor. Others: ``_title``.
_TITLES = {
    "autoscaling": "AutoScaling",
    "elasticbeanstalk": "ElasticBeanstalk",
    "ecs": "ECS",
    "eks": "AmazonEKS",
    "eks-nodegroup": "AmazonEKSNodegroup",
    "elasticache": "ElastiCache",
    "elasticloadbalancing": "ElasticLoadBalancing",
    "es": "AmazonElasticsearchService",
    "opensearchservice": "AmazonOpenSearchService",
    "rds": "RDS",
    "replication.dynamodb": "DynamoDBReplication",
    "kinesisreplication.dynamodb": "DynamoDBKinesisDataStreamsReplication",
    "contributorinsights.dynamodb": "DynamoDBCloudWatchContributorInsights",
    "dynamodb.application-autoscaling": "ApplicationAutoScaling_DynamoDBTable",
    "lambda.application-autoscaling": "ApplicationAutoScaling_LambdaConcurrency",
    "replicator.lambda": "LambdaReplicator",
    "logger.cloudfront": "CloudFrontLogger",
    "ops.apigateway": "APIGateway",
    "organizations": "Organizations",
    "spot": "EC2Spot",
    "support": "Support",
    "trustedadvisor": "TrustedAdvisor",
}
_ONE_ONLY = frozenset(_TITLES) - {"autoscaling"}
"""Services whose role takes no suffix."""


def role_name(service: str, suffix: str | None) -> str:
    before = service.removesuffix(_SUFFIX)
    return f"AWSServiceRoleFor{_TITLES.get(before) or _title(before)}" + (f"_{suffix}" if suffix else "")


def role_path(service: str) -> str:
    return f"/aws-service-role/{service}/"


def create(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """The AWS-managed policy of the role is not attached: those of these services are not here."""
    params, account = change.params, change.account
    service, suffix = params["AWSServiceName"], params.get("CustomSuffix")
    before = service.removesuffix(_SUFFIX)
    if before == service or not before:
        # Inferred words.
        raise ApiError("InvalidInput", f"Service principal {service} is not valid.", status=400)
    if suffix and before in _ONE_ONLY:
        raise ApiError("InvalidInput", f"Custom suffix is not allowed for {service}", status=400)
    name, path = role_name(service, suffix), role_path(service)
    if ROLE.records.get(view, account, name.lower()) is not None:
        message = f"Service role name {name} has been taken in this account, please try a different suffix."
        raise ApiError("InvalidInput", message, status=400)
    statement = {"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": [service]}}
    record: Document = {
        "name": name,
        "path": path,
        "id": ROLE.id_prefix + change.unique_id,
        "arn": arn(account, ROLE.word, path, name),
        "created": seconds(now),
        "description": params.get("Description"),
        "max_session": SESSION_DEFAULT_S,
        "trust": orjson.dumps({"Version": "2012-10-17", "Statement": [statement]}).decode(),
        "tags": {},
        "inline": {},
        "attached": [],
        "service": service,
    }
    shape = role_shape(record)
    shape.pop("MaxSessionDuration")
    return {"Role": shape}, ROLE.stored(change, record)


def delete(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """Done at once: no service here holds on to its role."""
    record = ROLE.named_in(view, change)
    if "service" not in record:
        # Inferred words.
        raise ApiError("InvalidInput", f"Role {record['name']} is not a service-linked role.", status=400)
    unique = UUID(bytes=hashlib.sha256(change.unique_id.encode()).digest()[:16], version=4)
    task = f"task{record['path']}{record['name']}/{unique}"
    batch = Batch()
    folded = record["name"].lower()
    ROLE.records.delete(batch, change.account, folded)
    USES.delete(batch, "role", change.account, folded)
    forget(view, batch, change.account, record["id"])
    ROLE_DELETIONS.put(batch, {"task": task}, change.account, folded)
    return {"DeletionTaskId": task}, batch


def get_deletion_status(view: View, call: Call, params: Params) -> Answer:
    """Of the last deletion of each role: what is told is that it is over."""
    wanted = params["DeletionTaskId"]
    parts = wanted.split("/")
    done = None
    if len(parts) == 5 and len(parts[3]) <= 64:
        done = ROLE_DELETIONS.get(view, call.principal.account, parts[3].lower())
    if done is None or done["task"] != wanted:
        # Inferred words.
        raise ApiError("NoSuchEntity", f"Deletion task {wanted} cannot be found.", status=404)
    return {"Status": "SUCCEEDED"}


WRITES: dict[str, Write] = {"CreateServiceLinkedRole": create, "DeleteServiceLinkedRole": delete}
READS: dict[str, Read] = {"GetServiceLinkedRoleDeletionStatus": get_deletion_status}


def _title(before: str) -> str:
    """``some-thing.service`` -> ``Service_SomeThing``; inferred from the names of those that AWS documents."""
    *first, service = ["".join(word.capitalize() for word in part.split("-")) for part in before.split(".")]
    return "_".join([service, *first])
