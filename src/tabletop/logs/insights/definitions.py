"""Query definitions: queries kept under a name and an id of their own."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs.records import invalid, page_token, token_parts
from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, View

Request = tuple[Call, dict[str, Any]]
Answer = dict[str, Any]

DEFINITIONS = Documents(prefixes.LOGS, "query_definition")

DEFINITIONS_MAX = 1_000
DEFINITIONS_PER_PAGE = 1_000
_KEPT = ("name", "queryString", "logGroupNames", "parameters")


def put(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    """PutQueryDefinition. ``params`` have a ``newId`` as well, for a definition that names none."""
    call, params = request
    if params.get("queryLanguage") not in (None, "CWLI"):
        raise invalid(f"The query language {params['queryLanguage']} is not available here: only CWLI is.")
    identifier = params.get("queryDefinitionId")
    if identifier and ("\0" in identifier or DEFINITIONS.get(view, call.account, call.region, identifier) is None):
        raise _absent()
    if not identifier and DEFINITIONS.count(view, call.account, call.region) >= DEFINITIONS_MAX:
        raise ApiError("LimitExceededException", "Resource limit exceeded.")
    identifier = identifier or params["newId"]
    definition = {
        "queryLanguage": "CWLI",
        "queryDefinitionId": identifier,
        "lastModified": int(now * 1000),
        **{member: params[member] for member in _KEPT if params.get(member) is not None},
    }
    batch = Batch()
    DEFINITIONS.put(batch, definition, call.account, call.region, identifier)
    return {"queryDefinitionId": identifier}, batch


def delete(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    path = (call.account, call.region, params["queryDefinitionId"])
    if "\0" in path[2] or DEFINITIONS.get(view, *path) is None:
        raise _absent()
    batch = Batch()
    DEFINITIONS.delete(batch, *path)
    return {"success": True}, batch


def describe(view: View, call: Call, params: dict[str, Any]) -> Answer:
    """In order of their names."""
    if params.get("queryLanguage") not in (None, "CWLI"):
        return {"queryDefinitions": []}
    prefix = params.get("queryDefinitionNamePrefix") or ""
    after = tuple(token_parts(params["nextToken"], str, str)) if params.get("nextToken") else ("", "")
    found = [
        ((one["name"], one["queryDefinitionId"]), one)
        for _, one in DEFINITIONS.below(view, call.account, call.region)
        if one["name"].startswith(prefix)
    ]
    rest = sorted((each for each in found if each[0] > after), key=lambda each: each[0])
    limit = params.get("maxResults") or DEFINITIONS_PER_PAGE
    answer: Answer = {"queryDefinitions": [one for _, one in rest[:limit]]}
    if len(rest) > limit:
        answer["nextToken"] = page_token(*rest[limit - 1][0])
    return answer


def _absent() -> ApiError:
    # Inferred words.
    return ApiError("ResourceNotFoundException", "The specified query definition does not exist.")
