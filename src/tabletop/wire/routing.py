"""Which service a request is for, by what the request itself says: a target, a path, a signature's scope, a form."""

from __future__ import annotations

import re

from tabletop.wire.cbor import PATH as SMITHY_PATH
from tabletop.wire.http import HttpRequest

TARGETS = {
    "DynamoDB_20120810": "dynamodb",
    "DynamoDBStreams_20120810": "dynamodbstreams",
    "Logs_20140328": "logs",
    "AnyScaleFrontendService": "application-autoscaling",
    "AWSEvents": "events",
    "TrentService": "kms",
    "GraniteServiceVersion20100801": "cloudwatch",
    "ResourceGroupsTaggingAPI_20170126": "resourcegroupstaggingapi",
}
"""The prefix of X-Amz-Target, and of smithy's paths, by service."""

SCOPES = {
    "dynamodb": "dynamodb",
    "iam": "iam",
    "sts": "sts",
    "lambda": "lambda",
    "logs": "logs",
    "application-autoscaling": "application-autoscaling",
    "events": "events",
    "kms": "kms",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
    "s3": "s3",
}
"""The service in a signature's credential scope."""

VERSIONS = {"2010-05-08": "iam", "2011-06-15": "sts", "2010-08-01": "cloudwatch"}
"""The Version of a query form. These are the services that speak the query protocol."""

_CREDENTIAL = re.compile(r"Credential=([^,\s]+)")
_FORM_VERSION = re.compile(rb"(?:^|&)Version=([0-9-]{10})(?:&|$)")
_LAMBDA_PATH = re.compile(r"/20\d\d-\d\d-\d\d/(?!runtime(?:/|$))[a-z]")
"""Lambda's paths begin with a date; those of the runtime API do too, and are no service's."""


def service_of(request: HttpRequest) -> str | None:
    """botocore's name of the service, or None if nothing in the request tells it (a browser, a health check)."""
    target = request.headers.get("x-amz-target")
    if target is not None:
        service = TARGETS.get(target.rpartition(".")[0])
        if service is not None:
            return service
    smithy = SMITHY_PATH.fullmatch(request.path)
    if smithy is not None and smithy[1] in TARGETS:
        return TARGETS[smithy[1]]
    scope = credential_scope(request)
    if scope is not None:
        return SCOPES.get(scope[3])
    return _service_of_form(request) or ("lambda" if _LAMBDA_PATH.match(request.path) else None)


def credential_scope(request: HttpRequest) -> tuple[str, str, str, str] | None:
    """(access key id, date, region, service) as the signature states them, unverified; None without a signature."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        match = _CREDENTIAL.search(authorization)
        credential = match[1] if match else ""
    elif "X-Amz-Credential=" in request.query:
        credential = dict(request.query_pairs()).get("X-Amz-Credential", "")
    else:
        return None
    parts = credential.rsplit("/", 4)
    # A signature of version 4a is for every region and leaves the region out of the scope.
    if len(parts) == 4:
        parts.insert(2, "")
    return (parts[0], parts[1], parts[2], parts[3]) if len(parts) == 5 else None


def _service_of_form(request: HttpRequest) -> str | None:
    match = _FORM_VERSION.search(request.body) or _FORM_VERSION.search(request.query.encode())
    return VERSIONS.get(match[1].decode()) if match else None
