"""A user management system in one Lambda function, over DynamoDB.

One event is one request: ``{"action": "READ", "userId": "user-101"}``. The answer has the form that API Gateway
takes as well: ``{"statusCode": 200, "body": "..."}``, where ``body`` is JSON text. A refused request answers
``{"error": CODE, "message": SENTENCE}`` in its body, and status 400 (the request is wrong), 404 (no such user) or 409
(the stored state forbids it). A fault that the caller cannot mend (no permission, no table) is raised, so that Lambda
reports the invocation as failed.

What the table holds (environment variable TABLE_NAME, partition key ``userId``, index EmailIndex on ``email``):

    users    userId "user-101", email, name, age, role ..., version, createdAt, perhaps credits and expiresAt
    claims   userId "email#test@example.com", claimedBy "user-101": that user owns this address

A global secondary index cannot keep e-mail addresses unique: it takes any number of items with the same key, and it
follows the table a moment later. The primary key can. So each address is also the key of a claim, and user and claim
are written in one transaction. Claims have no ``email`` attribute; that keeps them out of EmailIndex, and so out of
FIND_BY_EMAIL and LIST.

Users that something else wrote (``aws dynamodb put-item``) have neither version nor claim. They are
served all the same.

Records of a user lie in a second table (RECORDS_TABLE_NAME), where a local secondary index sorts them by ``createdAt``.

Read on from ``ACTIONS`` at the end, which names every action, and from there to its function.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from decimal import Decimal, DecimalException
from typing import Any

import boto3
from boto3.dynamodb.types import DYNAMODB_CONTEXT, Binary, TypeDeserializer
from botocore.exceptions import ClientError

USERS = os.environ.get("TABLE_NAME", "Users")
RECORDS = os.environ.get("RECORDS_TABLE_NAME", "UserRecords")
EMAIL_INDEX = "EmailIndex"
CREATED_AT_INDEX = "ByCreatedAt"

# Made once for each execution environment, not for each request: connections and credentials are reused.
dynamodb = boto3.resource("dynamodb")
client = dynamodb.meta.client  # the low-level operations, with Python values instead of {"S": ...}
users = dynamodb.Table(USERS)
records = dynamodb.Table(RECORDS)

CLAIM_PREFIX = "email#"
KEPT_BY_THE_SYSTEM = frozenset({"userId", "version", "createdAt", "updatedAt", "expiresAt", "claimedBy"})

# Every loop has an end. All pauses together stay under Lambda's default time limit of 3 seconds.
ATTEMPTS_MAX = 6
PAUSE_BASE_S = 0.05
PAUSE_MAX_S = 0.4
PAGE_ITEMS_MAX = 100
PAGE_READS_MAX = 10
BATCH_USERS_MAX = 100
BATCH_WRITE_ITEMS_MAX = 25  # DynamoDB's limit for one BatchWriteItem
TTL_SECONDS_MAX = 10 * 365 * 86_400

Item = dict  # attribute names to Python values
Answer = tuple  # (status code, body)


class Refused(Exception):
    """A request that is answered with an error: an HTTP status, a code for programs, and a sentence for people."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": code, "message": message, **details}


def invalid(message: str) -> Refused:
    return Refused(400, "InvalidInput", message)


def not_found(user_id: str) -> Refused:
    return Refused(404, "UserNotFound", f"There is no user {user_id!r}.")


def email_taken(email: str) -> Refused:
    return Refused(409, "EmailTaken", f"The e-mail address {email!r} belongs to another user.")


def version_conflict(user_id: str) -> Refused:
    return Refused(409, "VersionConflict", f"User {user_id!r} has changed since it was read; read it again.")


def busy() -> Refused:
    return Refused(409, "Busy", "Others are changing the same items; try again.")


def create(event: dict) -> Answer:
    """CREATE data: a new user and its claim on the e-mail address, both or neither."""
    user = new_user(field(event, "data", dict))
    refuse_if_in_use(user["email"], user["userId"])
    exists = Refused(409, "UserExists", f"User {user['userId']!r} already exists.")
    transact(
        [
            (put_if_free(user), lambda old: exists),
            (put_claim(user), lambda old: email_taken(user["email"])),
        ]
    )
    return 201, {"message": "User created", "user": user}


def read(event: dict) -> Answer:
    """READ userId."""
    return 200, {"user": load(user_id_of(event))}


def update(event: dict) -> Answer:
    """UPDATE userId, updates, [expectedVersion]: sets the attributes in ``updates``; null removes one.

    A caller that computed its updates from what it had read sends the version it had read as ``expectedVersion``, and
    gets a VersionConflict instead of overwriting what someone else wrote in between.
    """
    user_id = user_id_of(event)
    updates = checked_updates(field(event, "updates", dict))
    expected = expected_version(event)
    if "email" in updates:
        user = retry_if_stale(expected, lambda: change_email(user_id, updates, expected))
    else:
        change = update_expression(user_id, updates, expected)
        try:
            user = users.update_item(**change, ReturnValues="ALL_NEW")["Attributes"]
        except client.exceptions.ConditionalCheckFailedException as failure:
            raise why_not_updated(user_id, old_item(failure.response)) from None
    return 200, {"message": "User updated", "user": user}


def delete(event: dict) -> Answer:
    """DELETE userId, [expectedVersion]: the user and its claim."""
    user_id = user_id_of(event)
    expected = expected_version(event)
    user = retry_if_stale(expected, lambda: delete_user(user_id, expected))
    return 200, {"message": "User deleted", "user": user}


def list_users(event: dict) -> Answer:
    """LIST [limit], [nextToken]: one page of users, and a token for the next page if there is one.

    Scans EmailIndex rather than the table: only users have an ``email``, so no capacity is spent on reading claims.
    """
    expression = Expression()
    page, token = read_page(
        users.scan,
        event,
        key_names={"userId", "email"},
        IndexName=EMAIL_INDEX,
        FilterExpression=expression.alive(),
        **expression.arguments(),
    )
    return 200, {"users": page, "count": len(page), "nextToken": token}


def find_by_email(event: dict) -> Answer:
    """FIND_BY_EMAIL email: a query of the index, which costs the same for ten users and for ten million."""
    email = checked_email(event.get("email"))
    found = users_with(email)
    if not found:
        raise Refused(404, "UserNotFound", f"There is no user with the e-mail address {email!r}.")
    return 200, {"user": found[0]}


def add_record(event: dict) -> Answer:
    """ADD_RECORD userId, record: stores a record of a user who exists, with its time of creation.

    The check that the user exists and the write are one transaction over two tables.
    """
    user_id = user_id_of(event)
    record = checked_attributes(field(event, "record", dict))
    record["userId"] = user_id
    record["recordId"] = checked_text("recordId", record.get("recordId", str(uuid.uuid4())))
    record["createdAt"] = checked_time(record.get("createdAt", timestamp()))
    user, new = Expression(), Expression()
    user_lives = {
        "TableName": USERS,
        "Key": {"userId": user_id},
        "ConditionExpression": user.all_of(user.exists(), user.alive()),
        **user.arguments(),
    }
    put = {"TableName": RECORDS, "Item": record, "ConditionExpression": new.absent("recordId"), **new.arguments()}
    exists = Refused(409, "RecordExists", f"User {user_id!r} already has a record {record['recordId']!r}.")
    transact([({"ConditionCheck": user_lives}, lambda old: not_found(user_id)), ({"Put": put}, lambda old: exists)])
    return 201, {"message": "Record added", "record": record}


def list_records(event: dict) -> Answer:
    """LIST_RECORDS userId, [newestFirst], [since], [until], [limit], [nextToken]: sorted by creation date, by an LSI.

    A local secondary index may be read consistently: a record is listed as soon as ADD_RECORD has answered.
    """
    user_id = user_id_of(event)
    expression = Expression()
    first = checked_time(event.get("since", "0001-01-01T00:00:00Z"))
    last = checked_time(event.get("until", "9999-12-31T23:59:59.999999Z"))
    if first > last:
        raise invalid("'since' must not be later than 'until'.")
    created_at = expression.name("createdAt")
    page, token = read_page(
        records.query,
        event,
        key_names={"userId", "recordId", "createdAt"},
        IndexName=CREATED_AT_INDEX,
        KeyConditionExpression=f"{expression.name('userId')} = {expression.value(user_id)} AND "
        f"{created_at} BETWEEN {expression.value(first)} AND {expression.value(last)}",
        ScanIndexForward=not event.get("newestFirst", False),
        ConsistentRead=True,
        **expression.arguments(),
    )
    return 200, {"records": page, "count": len(page), "nextToken": token}


def batch_create(event: dict) -> Answer:
    """BATCH_CREATE users: up to 100 users with BatchWriteItem, for imports.

    BatchWriteItem takes no conditions. Ids and addresses are therefore checked first and written after; where another
    writer may create the same user at the same moment, use CREATE, which has no such gap. Claims are written before
    their users: what fails halfway can be sent again. Answers 207 with ``unprocessed`` if DynamoDB took only a part.
    """
    new_users = [new_user(data) for data in checked_list(event, "users", dict)]
    refuse_repeated("userId", [user["userId"] for user in new_users])
    refuse_repeated("email", [user["email"] for user in new_users])
    refuse_existing(new_users)
    unclaimed = batch_write([claim_of(user) for user in new_users])
    claimed = [user for user in new_users if claim_id(user["email"]) not in unclaimed]
    unwritten = batch_write(claimed)
    written = [user for user in claimed if user["userId"] not in unwritten]
    unprocessed = [user["userId"] for user in new_users if user not in written]
    body = {"message": "Users created", "created": [user["userId"] for user in written], "unprocessed": unprocessed}
    return (207 if unprocessed else 201), body


def batch_read(event: dict) -> Answer:
    """BATCH_READ userIds: up to 100 users in the order asked for; ``missing`` names those that do not exist."""
    user_ids = [checked_user_id(user_id) for user_id in checked_list(event, "userIds", str)]
    refuse_repeated("userId", user_ids)
    found, unprocessed = batch_get(user_ids)
    present = [found[user_id] for user_id in user_ids if user_id in found and is_alive(found[user_id])]
    present_ids = {user["userId"] for user in present}
    missing = [user_id for user_id in user_ids if user_id not in present_ids and user_id not in unprocessed]
    body = {"users": present, "missing": missing, "unprocessed": unprocessed}
    return (207 if unprocessed else 200), body


def update_if_greater(event: dict) -> Answer:
    """UPDATE_IF_GREATER userId, attribute, value: sets a number only where it grows (or is new).

    The comparison is a condition of the write: two callers cannot both win, as they could after a read.
    """
    user_id = user_id_of(event)
    attribute = checked_text("attribute", event.get("attribute"))
    if attribute in KEPT_BY_THE_SYSTEM:
        raise invalid(f"Attribute {attribute!r} is kept by the system.")
    value = checked_number("value", event.get("value"))
    checked_attributes({attribute: value})
    expression = Expression()
    name, new = expression.name(attribute), expression.value(value)
    condition = f"({expression.absent(attribute)} OR {name} < {new})"
    try:
        user = users.update_item(
            **update_expression(user_id, {attribute: value}, None, expression=expression, condition=condition),
            ReturnValues="ALL_NEW",
        )["Attributes"]
    except client.exceptions.ConditionalCheckFailedException as failure:
        old = old_item(failure.response)
        if not old or not is_alive(old):
            raise not_found(user_id) from None
        sentence = f"{attribute!r} is {old[attribute]}; {value} is not greater."
        raise Refused(409, "NotGreater", sentence, current=old[attribute]) from None
    return 200, {"message": "User updated", "user": user}


def transfer(event: dict) -> Answer:
    """TRANSFER from, to, amount, [transferId]: moves credits between two users, completely or not at all.

    A caller that sends a ``transferId`` may repeat the call within ten minutes: DynamoDB takes a transaction with the
    same token only once. It asks that the repeated request be the same to the letter, so nothing here depends on the
    time of day.
    """
    giver, taker = checked_user_id(event.get("from"), "from"), checked_user_id(event.get("to"), "to")
    amount = checked_number("amount", event.get("amount"))
    if amount <= 0:
        raise invalid("'amount' must be greater than 0.")
    if giver == taker:
        raise invalid("'from' and 'to' must be two users.")
    token = checked_text("transferId", event.get("transferId", str(uuid.uuid4())), length_max=36)

    def too_little(old: Item | None) -> Refused:
        if not old:
            return not_found(giver)
        credits = old.get("credits", 0)
        return Refused(409, "NotEnoughCredits", f"User {giver!r} has {credits} credits.", credits=credits)

    transact(
        [
            ({"Update": move_credits(giver, -amount)}, too_little),
            ({"Update": move_credits(taker, amount)}, lambda old: not_found(taker)),
        ],
        token=token,
    )
    reads = [{"Get": {"TableName": USERS, "Key": {"userId": user_id}}} for user_id in (giver, taker)]
    balances = {
        user_id: response.get("Item", {}).get("credits")
        for user_id, response in zip((giver, taker), client.transact_get_items(TransactItems=reads)["Responses"])
    }
    return 200, {"message": "Credits transferred", "transferId": token, "credits": balances}


class Expression:
    """Hands out the placeholders of an expression, and keeps what they stand for.

    Every attribute goes through a #name: half of the obvious ones (name, role, ttl, status) are reserved words in
    DynamoDB, and nobody remembers which. Every value goes through a :value, so no input can change an expression.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def name(self, attribute: str) -> str:
        for placeholder, known in self.names.items():
            if known == attribute:
                return placeholder
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = attribute
        return placeholder

    def value(self, value: Any) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def exists(self, attribute: str = "userId") -> str:
        return f"attribute_exists({self.name(attribute)})"

    def absent(self, attribute: str = "userId") -> str:
        return f"attribute_not_exists({self.name(attribute)})"

    def alive(self) -> str:
        """Not expired. DynamoDB deletes expired items some time after the moment, so every reader must check."""
        return f"({self.absent('expiresAt')} OR {self.name('expiresAt')} > {self.value(now_s())})"

    def expired(self) -> str:
        return f"{self.name('expiresAt')} <= {self.value(now_s())}"

    def version_is(self, version: int | None) -> str:
        """``None`` means an item that never had a version."""
        if version is None:
            return self.absent("version")
        return f"{self.name('version')} = {self.value(version)}"

    def raise_version(self) -> str:
        version = self.name("version")
        return f"{version} = if_not_exists({version}, {self.value(0)}) + {self.value(1)}"

    @staticmethod
    def all_of(*conditions: str) -> str:
        return " AND ".join(conditions)

    def arguments(self) -> dict[str, dict]:
        """The two parameters beside an expression. Call it last: DynamoDB refuses names and values not used."""
        arguments: dict[str, dict] = {"ExpressionAttributeNames": self.names}
        if self.values:
            arguments["ExpressionAttributeValues"] = self.values
        return arguments


def load(user_id: str) -> Item:
    """The user as last written. Raises ``Refused`` if there is none, or if it has expired."""
    user = users.get_item(Key={"userId": user_id}, ConsistentRead=True).get("Item")
    if not user or not is_alive(user):
        raise not_found(user_id)
    return user


def users_with(email: str) -> list[Item]:
    expression = Expression()
    condition = f"{expression.name('email')} = {expression.value(email)}"
    alive = expression.alive()
    return users.query(
        IndexName=EMAIL_INDEX, KeyConditionExpression=condition, FilterExpression=alive, **expression.arguments()
    )["Items"]


def refuse_if_in_use(email: str, user_id: str) -> None:
    """Catches users that something else wrote, and who have no claim. The claim itself is what guarantees."""
    if any(user["userId"] != user_id for user in users_with(email)):
        raise email_taken(email)


def put_if_free(user: Item) -> dict:
    """The statement of a transaction that writes a user whose id is not in use (or only by an expired one)."""
    expression = Expression()
    condition = f"{expression.absent()} OR {expression.expired()}"
    return {"Put": {"TableName": USERS, "Item": user, "ConditionExpression": condition, **expression.arguments()}}


def claim_id(email: str) -> str:
    return CLAIM_PREFIX + email


def claim_of(user: Item) -> Item:
    """The claim expires together with its user."""
    claim = {"userId": claim_id(user["email"]), "claimedBy": user["userId"]}
    if "expiresAt" in user:
        claim["expiresAt"] = user["expiresAt"]
    return claim


def put_claim(user: Item) -> dict:
    """The statement that claims the user's address: it must be free, expired, or this user's own already."""
    expression = Expression()
    own = f"{expression.name('claimedBy')} = {expression.value(user['userId'])}"
    condition = f"{expression.absent()} OR {expression.expired()} OR {own}"
    put = {"TableName": USERS, "Item": claim_of(user), "ConditionExpression": condition, **expression.arguments()}
    return {"Put": put}


def release_claim(user: Item) -> list[dict]:
    """The statement that gives up the user's address; none if the user never claimed it."""
    key = {"userId": claim_id(user.get("email", ""))}
    claim = users.get_item(Key=key, ConsistentRead=True).get("Item", {})
    if claim.get("claimedBy") != user["userId"]:
        return []
    expression = Expression()
    condition = f"{expression.name('claimedBy')} = {expression.value(user['userId'])}"
    return [{"Delete": {"TableName": USERS, "Key": key, "ConditionExpression": condition, **expression.arguments()}}]


def update_expression(
    user_id: str,
    updates: Item,
    version: int | None,
    *,
    expression: Expression | None = None,
    condition: str = "",
) -> dict:
    """The parameters of an update that sets or removes attributes of a living user and raises its version."""
    expression = expression or Expression()
    sets = [f"{expression.name(k)} = {expression.value(v)}" for k, v in updates.items() if v is not None]
    removes = [expression.name(attribute) for attribute, value in updates.items() if value is None]
    sets += [f"{expression.name('updatedAt')} = {expression.value(timestamp())}", expression.raise_version()]
    conditions = [expression.exists(), expression.alive()]
    if version is not None:
        conditions.append(expression.version_is(version))
    if condition:
        conditions.append(condition)
    return {
        "Key": {"userId": user_id},
        "UpdateExpression": "SET " + ", ".join(sets) + (" REMOVE " + ", ".join(removes) if removes else ""),
        "ConditionExpression": expression.all_of(*conditions),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        **expression.arguments(),
    }


def why_not_updated(user_id: str, old: Item | None) -> Refused:
    return version_conflict(user_id) if old and is_alive(old) else not_found(user_id)


def change_email(user_id: str, updates: Item, expected: int | None) -> Item:
    """One attempt to change a user together with its address: new claim, no old claim, new attributes, or nothing."""
    user = load(user_id)
    if expected is not None and user.get("version") != expected:
        raise version_conflict(user_id)
    changed = {**user, **updates}
    refuse_if_in_use(changed["email"], user_id)
    expression = Expression()
    unchanged = expression.version_is(user.get("version"))
    change = update_expression(user_id, updates, None, expression=expression, condition=unchanged)
    steps: list = [
        ({"Update": {"TableName": USERS, **change}}, lambda old: why_not_updated(user_id, old)),
        (put_claim(changed), lambda old: email_taken(changed["email"])),
    ]
    if changed["email"] != user.get("email"):
        steps += [(statement, lambda old: version_conflict(user_id)) for statement in release_claim(user)]
    transact(steps)
    return load(user_id)


def delete_user(user_id: str, expected: int | None) -> Item:
    """One attempt to delete a user and its claim."""
    user = load(user_id)
    if expected is not None and user.get("version") != expected:
        raise version_conflict(user_id)
    expression = Expression()
    condition = expression.all_of(expression.exists(), expression.version_is(user.get("version")))
    deletion = {"TableName": USERS, "Key": {"userId": user_id}, "ConditionExpression": condition}
    deletion.update(expression.arguments())
    steps: list = [({"Delete": deletion}, lambda old: version_conflict(user_id))]
    steps += [(statement, lambda old: version_conflict(user_id)) for statement in release_claim(user)]
    transact(steps)
    return user


def move_credits(user_id: str, amount: Decimal) -> dict:
    """The parameters of an update that adds ``amount`` to a user's credits, which never fall below 0."""
    expression = Expression()
    credits = expression.name("credits")
    conditions = [expression.exists()]
    if amount < 0:
        conditions.append(f"{credits} >= {expression.value(-amount)}")
    total = f"if_not_exists({credits}, {expression.value(0)}) + {expression.value(amount)}"
    return {
        "TableName": USERS,
        "Key": {"userId": user_id},
        "UpdateExpression": f"SET {credits} = {total}, {expression.raise_version()}",
        "ConditionExpression": expression.all_of(*conditions),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        **expression.arguments(),
    }


def transact(steps: list, token: str | None = None) -> None:
    """All statements or none. Each step is a statement and what to raise, given the old item, if its condition fails.

    A transaction that met another one on the same item is tried again; with the same token, so never done twice.
    """
    token = token or str(uuid.uuid4())
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            client.transact_write_items(TransactItems=[step for step, _ in steps], ClientRequestToken=token)
            return
        except client.exceptions.IdempotentParameterMismatchException:
            raise Refused(409, "TokenReused", f"{token!r} was used for a different request.") from None
        except client.exceptions.TransactionCanceledException as cancelled:
            reasons = cancelled.response.get("CancellationReasons", [])
            for (_, refusal), reason in zip(steps, reasons):
                if reason.get("Code") == "ConditionalCheckFailed":
                    raise refusal(old_item(reason)) from None
                if reason.get("Code") == "ValidationError":
                    raise invalid(reason.get("Message", "")) from None
            if not any(reason.get("Code") == "TransactionConflict" for reason in reasons):
                raise
            pause(attempt)
    raise busy()


def retry_if_stale(expected: int | None, attempt_once: Callable[[], Item]) -> Item:
    """Reads and writes again if someone wrote in between, unless the caller asked for one certain version."""
    for attempt in range(1, ATTEMPTS_MAX):
        try:
            return attempt_once()
        except Refused as refusal:
            if expected is not None or refusal.body["error"] != "VersionConflict":
                raise
            pause(attempt)
    return attempt_once()


def refuse_existing(new_users: list[Item]) -> None:
    """For BATCH_CREATE: none of the ids, and none of the addresses by another user, is in use."""
    ids = [user["userId"] for user in new_users]
    found, first_left = batch_get(ids)
    claims, second_left = batch_get([claim_id(user["email"]) for user in new_users])
    if first_left or second_left:
        raise busy()
    for user in new_users:
        if is_alive(found.get(user["userId"])):
            raise Refused(409, "UserExists", f"User {user['userId']!r} already exists.")
        claim = claims.get(claim_id(user["email"]))
        if is_alive(claim) and claim["claimedBy"] != user["userId"]:
            raise email_taken(user["email"])
        refuse_if_in_use(user["email"], user["userId"])


def batch_write(items: list[Item]) -> set:
    """Puts the items, 25 at a time, and gives the ids of those that DynamoDB never took."""
    left: set = set()
    for start in range(0, len(items), BATCH_WRITE_ITEMS_MAX):
        request = {USERS: [{"PutRequest": {"Item": item}} for item in items[start : start + BATCH_WRITE_ITEMS_MAX]]}
        for attempt in range(1, ATTEMPTS_MAX + 1):
            request = client.batch_write_item(RequestItems=request).get("UnprocessedItems", {})
            if not request:
                break
            pause(attempt)
        left |= {entry["PutRequest"]["Item"]["userId"] for entry in request.get(USERS, [])}
    return left


def batch_get(user_ids: list[str]) -> tuple:
    """The items by id, and the ids that DynamoDB never answered for. At most 100 ids, one BatchGetItem's limit."""
    found: dict[str, Item] = {}
    request: dict = {USERS: {"Keys": [{"userId": user_id} for user_id in user_ids], "ConsistentRead": True}}
    for attempt in range(1, ATTEMPTS_MAX + 1):
        answer = client.batch_get_item(RequestItems=request)
        found.update((item["userId"], item) for item in answer["Responses"].get(USERS, []))
        request = answer.get("UnprocessedKeys", {})
        if not request:
            return found, []
        pause(attempt)
    return found, [key["userId"] for key in request[USERS]["Keys"]]


def read_page(read_some: Callable[..., dict], event: dict, *, key_names: set, **arguments: Any) -> tuple:
    """Items up to ``limit``, and a token for the rest or None. A filter may leave a read empty: then it reads on."""
    limit = event.get("limit", PAGE_ITEMS_MAX)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= PAGE_ITEMS_MAX:
        raise invalid(f"'limit' must be a whole number from 1 to {PAGE_ITEMS_MAX}.")
    start = decoded_token(event, key_names)
    items: list[Item] = []
    for _ in range(PAGE_READS_MAX):
        if start:
            arguments["ExclusiveStartKey"] = start
        answer = read_some(Limit=limit - len(items), **arguments)
        items += answer["Items"]
        start = answer.get("LastEvaluatedKey")
        if not start or len(items) == limit:
            break
    return items, encoded_token(start) if start else None


def pause(attempt: int) -> None:
    """Exponential backoff with full jitter: those who collided once do not collide again in step."""
    time.sleep(random.uniform(0, min(PAUSE_MAX_S, PAUSE_BASE_S * 2**attempt)))


def old_item(error_or_reason: dict) -> Item | None:
    """The item that a failed condition saw, if ReturnValuesOnConditionCheckFailure asked for it."""
    item = error_or_reason.get("Item")
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()} if item else None


def field(event: dict, name: str, kind: type) -> Any:
    """A required member of the event."""
    value = event.get(name)
    if not isinstance(value, kind) or not value:
        wanted = {dict: "an object", list: "a list"}[kind]
        raise invalid(f"'{name}' must be {wanted} and must not be empty.")
    return value


def checked_list(event: dict, name: str, kind: type) -> list:
    values = field(event, name, list)
    if len(values) > BATCH_USERS_MAX:
        raise invalid(f"'{name}' may have at most {BATCH_USERS_MAX} elements.")
    if not all(isinstance(value, kind) for value in values):
        raise invalid(f"'{name}' must be a list of {'objects' if kind is dict else 'strings'}.")
    return values


def refuse_repeated(name: str, values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise invalid(f"Each {name} may be given only once.")


def user_id_of(event: dict) -> str:
    return checked_user_id(event.get("userId"))


def checked_user_id(value: Any, name: str = "userId") -> str:
    user_id = checked_text(name, value)
    if user_id.startswith(CLAIM_PREFIX):
        raise invalid(f"'{name}' must not begin with {CLAIM_PREFIX!r}.")
    return user_id


def checked_text(name: str, value: Any, *, length_max: int = 256) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > length_max:
        raise invalid(f"'{name}' must be a text of 1 to {length_max} characters.")
    return value


def checked_email(value: Any) -> str:
    """In lower case: nobody means two people by Test@example.com and test@example.com."""
    email = checked_text("email", value).strip().lower()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise invalid("'email' must be an e-mail address.")
    return email


def checked_number(name: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise invalid(f"'{name}' must be a number.")
    return exact(value)


def checked_age(value: Any) -> Decimal:
    age = checked_number("age", value)
    if age != int(age) or not 0 <= age <= 150:
        raise invalid("'age' must be a whole number from 0 to 150.")
    return age


def checked_credits(value: Any) -> Decimal:
    credits = checked_number("credits", value)
    if credits < 0:
        raise invalid("'credits' must not be less than 0.")
    return credits


def checked_time(value: Any) -> str:
    """An ISO 8601 time, rewritten in one form and in UTC: only then the order of the texts is the order in time."""
    try:
        moment = datetime.fromisoformat(checked_text("time", value).replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return in_one_form(moment.astimezone(timezone.utc))
    except (ValueError, OverflowError):
        raise invalid(f"{value!r} is not a time such as 2026-03-01T09:30:00Z.") from None


CHECKS: dict[str, Callable[[Any], Any]] = {
    "email": checked_email,
    "name": lambda value: checked_text("name", value),
    "role": lambda value: checked_text("role", value),
    "age": checked_age,
    "credits": checked_credits,
}
"""What is known about some attributes. Any others are welcome and stored as they come: DynamoDB has no schema."""


def checked_attributes(attributes: dict) -> Item:
    for name in attributes:
        if not name or len(name.encode()) > 255:
            raise invalid("An attribute's name must have 1 to 255 bytes.")
    return {name: value if value is None else CHECKS.get(name, exact)(value) for name, value in attributes.items()}


def checked_updates(updates: dict) -> Item:
    kept = sorted(KEPT_BY_THE_SYSTEM & updates.keys())
    if kept:
        raise invalid(f"These attributes cannot be updated: {', '.join(kept)}.")
    if updates.get("email", "") is None:
        raise invalid("'email' cannot be removed.")
    return checked_attributes(updates)


def expected_version(event: dict) -> int | None:
    version = event.get("expectedVersion")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or version < 1):
        raise invalid("'expectedVersion' must be a whole number from 1.")
    return version


def new_user(data: dict) -> Item:
    """A new user's item: version 1, its time of creation, and with ``ttlSeconds`` the time when it expires."""
    given = {name: value for name, value in data.items() if name not in ("ttlSeconds", "userId")}
    kept = sorted(KEPT_BY_THE_SYSTEM & given.keys())
    if kept:
        raise invalid(f"These attributes are set by the system: {', '.join(kept)}.")
    user = {"userId": checked_user_id(data.get("userId")), "email": checked_email(data.get("email"))}
    user.update({name: value for name, value in checked_attributes(given).items() if value is not None})
    user.update(version=1, createdAt=timestamp())
    if "ttlSeconds" in data:
        seconds = checked_number("ttlSeconds", data["ttlSeconds"])
        if seconds != int(seconds) or not 1 <= seconds <= TTL_SECONDS_MAX:
            raise invalid(f"'ttlSeconds' must be a whole number from 1 to {TTL_SECONDS_MAX}.")
        user["expiresAt"] = now_s() + int(seconds)
    return user


def exact(value: Any) -> Any:
    """JSON's numbers as decimals, which is what DynamoDB stores: 0.1 stays 0.1. At any depth of lists and objects."""
    if isinstance(value, dict):
        return {name: exact(member) for name, member in value.items()}
    if isinstance(value, list):
        return [exact(member) for member in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    try:
        number = DYNAMODB_CONTEXT.create_decimal(repr(value))
    except DecimalException:
        raise invalid("A number may have at most 38 digits.") from None
    if not number.is_finite():
        raise invalid("A number must be finite.")
    return number


def to_json(value: Any) -> str:
    """JSON text in which a Decimal is a number with all its digits (``json.dumps`` would need a lossy float)."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {to_json(member)}" for name, member in value.items()) + "}"
    if isinstance(value, (list, set)):
        members: Iterable = sorted(value, key=str) if isinstance(value, set) else value
        return "[" + ", ".join(map(to_json, members)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (Binary, bytes)):
        return json.dumps(base64.b64encode(bytes(value)).decode())
    return json.dumps(value, ensure_ascii=False)


def now_s() -> int:
    """Seconds since 1970: the form in which DynamoDB's time to live wants its attribute."""
    return int(time.time())


def timestamp() -> str:
    return in_one_form(datetime.now(timezone.utc))


def in_one_form(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def is_alive(item: Item | None) -> bool:
    """What ``Expression.alive`` says, of an item at hand."""
    if not item:
        return False
    expires_at = item.get("expiresAt")
    return expires_at is None or (isinstance(expires_at, (int, Decimal)) and expires_at > now_s())


def encoded_token(key: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def decoded_token(event: dict, key_names: set) -> dict | None:
    """The key after which to read on. It comes from outside, so it is checked like everything else."""
    token = event.get("nextToken")
    if token is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(token))
    except (TypeError, ValueError):
        key = None
    whole = isinstance(key, dict) and key.keys() == key_names
    if not whole or not all(isinstance(value, str) and value for value in key.values()):
        raise invalid("'nextToken' is not one that this action gave out.")
    if "userId" in event and key["userId"] != event["userId"]:
        raise invalid("'nextToken' belongs to another user's records.")
    return key


ACTIONS: dict[str, Callable[[dict], Answer]] = {
    "CREATE": create,
    "READ": read,
    "UPDATE": update,
    "DELETE": delete,
    "LIST": list_users,
    "FIND_BY_EMAIL": find_by_email,
    "ADD_RECORD": add_record,
    "LIST_RECORDS": list_records,
    "BATCH_CREATE": batch_create,
    "BATCH_READ": batch_read,
    "UPDATE_IF_GREATER": update_if_greater,
    "TRANSFER": transfer,
}


def lambda_handler(event: Any, context: Any) -> dict:
    """What Lambda calls, once for each event."""
    action = event.get("action") if isinstance(event, dict) else None
    try:
        if not isinstance(action, str) or action not in ACTIONS:
            raise Refused(400, "UnknownAction", f"'action' must be one of {', '.join(ACTIONS)}.")
        status, body = ACTIONS[action](event)
    except Refused as refusal:
        status, body = refusal.status, refusal.body
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code == "ValidationException":  # DynamoDB's own limits, such as 400 KB for an item
            status, body = 400, invalid(message).body
        elif code == "TransactionConflictException":  # a plain write met a transaction on the same item
            status, body = 409, busy().body
        else:
            raise
    # One line of JSON for CloudWatch Logs, without anything personal in it.
    print(json.dumps({"action": str(action), "statusCode": status, "error": body.get("error")}))
    return {"statusCode": status, "body": to_json(body)}
