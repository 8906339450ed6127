"""The user manager's actions against a real endpoint: what they store, and what they refuse."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

TEST_USER = {"userId": "user-101", "email": "test@example.com", "name": "Test User", "age": 25, "role": "tester"}


def put_as_the_tutorial_does(function: ModuleType, user_id: str = "user-001", email: str = "alice@example.com") -> None:
    function.users.put_item(Item={"userId": user_id, "email": email, "name": "Alice Johnson", "age": 28})


# The tutorial's six payloads, in its order, are what a learner types first.
def test_the_tutorials_payloads(call: Any) -> None:
    status, body = call("CREATE", data=TEST_USER)
    assert status == 201
    assert body["user"].items() >= TEST_USER.items()

    status, body = call("READ", userId="user-101")
    assert (status, body["user"]["name"], body["user"]["version"]) == (200, "Test User", 1)

    status, body = call("UPDATE", userId="user-101", updates={"age": 26, "role": "senior-tester"})
    assert status == 200
    assert (body["user"]["age"], body["user"]["role"], body["user"]["version"]) == (26, "senior-tester", 2)

    status, body = call("FIND_BY_EMAIL", email="test@example.com")
    assert (status, body["user"]["userId"]) == (200, "user-101")

    status, body = call("LIST")
    assert (status, [user["userId"] for user in body["users"]], body["nextToken"]) == (200, ["user-101"], None)

    status, body = call("DELETE", userId="user-101")
    assert (status, body["user"]["userId"]) == (200, "user-101")
    assert call("READ", userId="user-101")[0] == 404


# An id is taken once: CREATE never overwrites.
def test_create_refuses_an_id_in_use(call: Any) -> None:
    call("CREATE", data=TEST_USER)
    status, body = call("CREATE", data={**TEST_USER, "email": "other@example.com"})
    assert (status, body["error"]) == (409, "UserExists")
    assert call("READ", userId="user-101")[1]["user"]["email"] == "test@example.com"


# Two users cannot share an address, in whatever letter case, and a refused CREATE leaves nothing behind.
def test_create_refuses_an_address_in_use(call: Any, stored_function: ModuleType) -> None:
    call("CREATE", data=TEST_USER)
    status, body = call("CREATE", data={"userId": "user-102", "email": "TEST@example.com"})
    assert (status, body["error"]) == (409, "EmailTaken")
    assert call("READ", userId="user-102")[0] == 404
    assert stored_function.users.scan()["Count"] == 2  # the user and its claim


# The claim is what guarantees: of many creations at once, exactly one gets the address.
def test_of_concurrent_creations_with_one_address_exactly_one_wins(call: Any) -> None:
    def create(number: int) -> int:
        status: int = call("CREATE", data={"userId": f"user-{number}", "email": "one@example.com"})[0]
        return status

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(create, range(8)))
    assert sorted(statuses) == [201] + [409] * 7
    assert call("LIST")[1]["count"] == 1


# An address given up by DELETE or by a change of address is free again.
def test_a_released_address_can_be_claimed(call: Any) -> None:
    call("CREATE", data=TEST_USER)
    assert call("UPDATE", userId="user-101", updates={"email": "new@example.com"})[0] == 200
    assert call("CREATE", data={"userId": "user-102", "email": "test@example.com"})[0] == 201
    assert call("UPDATE", userId="user-102", updates={"email": "new@example.com"})[1]["error"] == "EmailTaken"
    assert call("DELETE", userId="user-101")[0] == 200
    assert call("CREATE", data={"userId": "user-103", "email": "new@example.com"})[0] == 201


# Claims are the function's own business: no reader may see them, nor address one as a user.
def test_claims_are_invisible(call: Any, stored_function: ModuleType) -> None:
    call("CREATE", data=TEST_USER)
    assert stored_function.users.scan()["Count"] == 2
    assert call("LIST")[1]["count"] == 1
    assert stored_function.users.scan(IndexName="EmailIndex")["Count"] == 1
    assert call("READ", userId="email#test@example.com")[0] == 400
    assert call("BATCH_READ", userIds=["email#test@example.com"])[0] == 400


# The tutorial's own put-item users have neither version nor claim, and must still be served by every action.
def test_users_written_by_put_item_are_served(call: Any, stored_function: ModuleType) -> None:
    put_as_the_tutorial_does(stored_function)
    assert call("READ", userId="user-001")[1]["user"]["name"] == "Alice Johnson"
    assert call("FIND_BY_EMAIL", email="alice@example.com")[1]["user"]["userId"] == "user-001"
    assert call("LIST")[1]["count"] == 1
    assert call("CREATE", data={"userId": "x", "email": "alice@example.com"})[1]["error"] == "EmailTaken"
    assert call("UPDATE", userId="user-001", updates={"age": 29})[1]["user"]["version"] == 1
    assert call("UPDATE", userId="user-001", updates={"email": "alice@example.org"})[1]["user"]["version"] == 2
    assert call("DELETE", userId="user-001")[0] == 200
    put_as_the_tutorial_does(stored_function, "user-002", "bob@example.com")
    assert call("DELETE", userId="user-002")[0] == 200
    assert stored_function.users.scan()["Count"] == 0


# A user that took an address past the function must be deletable without freeing the real owner's claim.
def test_deleting_a_duplicate_keeps_the_owners_claim(call: Any, stored_function: ModuleType) -> None:
    call("CREATE", data=TEST_USER)
    put_as_the_tutorial_does(stored_function, "intruder", "test@example.com")
    assert call("DELETE", userId="intruder")[0] == 200
    assert call("CREATE", data={"userId": "user-102", "email": "test@example.com"})[1]["error"] == "EmailTaken"


# Who computed an update from version 1 must not overwrite version 2.
def test_an_update_or_delete_of_a_version_since_changed_is_refused(call: Any) -> None:
    call("CREATE", data=TEST_USER)
    assert call("UPDATE", userId="user-101", updates={"age": 26}, expectedVersion=1)[0] == 200
    for event in (
        {"action": "UPDATE", "updates": {"age": 40}},
        {"action": "UPDATE", "updates": {"email": "new@example.com"}},
        {"action": "DELETE"},
    ):
        status, body = call(**event, userId="user-101", expectedVersion=1)
        assert (status, body["error"]) == (409, "VersionConflict")
    assert call("READ", userId="user-101")[1]["user"]["age"] == 26


# Concurrent updates of different attributes all survive, and each raises the version once.
def test_concurrent_updates_are_not_lost(call: Any) -> None:
    call("CREATE", data=TEST_USER)

    def update(number: int) -> int:
        status: int = call("UPDATE", userId="user-101", updates={f"field{number}": number})[0]
        return status

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(update, range(8))) == [200] * 8
    user = call("READ", userId="user-101")[1]["user"]
    assert user["version"] == 9
    assert [user[f"field{number}"] for number in range(8)] == list(range(8))


# An attribute set to null goes away; reserved words are attributes like any other.
def test_null_removes_and_reserved_words_work(call: Any) -> None:
    call("CREATE", data=TEST_USER)
    user = call("UPDATE", userId="user-101", updates={"role": None, "status": "on", "size": 3})[1]["user"]
    assert "role" not in user
    assert (user["status"], user["size"]) == ("on", 3)


# There is nothing to update or delete: 404, and no user springs up.
@pytest.mark.parametrize(
    "event",
    [
        {"action": "READ"},
        {"action": "UPDATE", "updates": {"age": 1}},
        {"action": "UPDATE", "updates": {"email": "x@example.com"}},
        {"action": "UPDATE_IF_GREATER", "attribute": "age", "value": 1},
        {"action": "DELETE"},
        {"action": "ADD_RECORD", "record": {"kind": "login"}},
    ],
    ids=lambda event: "-".join([event["action"], *event.get("updates", {})]),
)
def test_an_absent_user_is_not_found(call: Any, stored_function: ModuleType, event: dict[str, Any]) -> None:
    status, body = call(**event, userId="nobody")
    assert (status, body["error"]) == (404, "UserNotFound")
    assert stored_function.users.scan()["Count"] == 0


# Pages cover every user once, and the last one says that it is the last.
def test_list_pages_cover_everyone_once(call: Any) -> None:
    for number in range(5):
        call("CREATE", data={"userId": f"user-{number}", "email": f"u{number}@example.com"})
    seen: list[str] = []
    token = None
    for _ in range(6):
        status, body = call("LIST", limit=2, nextToken=token)
        assert status == 200
        assert len(body["users"]) == body["count"] <= 2
        seen += [user["userId"] for user in body["users"]]
        token = body["nextToken"]
        if token is None:
            break
    assert token is None
    assert sorted(seen) == [f"user-{number}" for number in range(5)]


# Numbers come back digit for digit: a float in between would turn the last one into 12345678901234567000.
def test_numbers_survive_storage(call: Any, stored_function: ModuleType) -> None:
    numbers = {"tenth": 0.1, "large": 12345678901234567890, "nested": {"list": [1.5, True, None]}}
    call("CREATE", data={**TEST_USER, **numbers})
    user = call("READ", userId="user-101")[1]["user"]
    assert {name: user[name] for name in numbers} == numbers
    digits = "1.2345678901234567890123456789012345678"
    stored_function.users.update_item(
        Key={"userId": "user-101"},
        UpdateExpression="SET digits = :d",
        ExpressionAttributeValues={":d": stored_function.DYNAMODB_CONTEXT.create_decimal(digits)},
    )
    answer = stored_function.lambda_handler({"action": "READ", "userId": "user-101"}, None)
    assert f'"digits": {digits}' in answer["body"]


# Challenge 1: the LSI's order is that of creation, whatever the order of arrival and the form of the times.
def test_records_are_sorted_by_creation(call: Any) -> None:
    call("CREATE", data=TEST_USER)
    times = {"b": "2026-02-01T00:00:00Z", "c": "2026-03-01T01:00:00+02:00", "a": "2026-01-01T00:00:00.5Z"}
    for record_id, created_at in times.items():
        record = {"recordId": record_id, "createdAt": created_at}
        assert call("ADD_RECORD", userId="user-101", record=record)[0] == 201

    def ids(**members: Any) -> list[str]:
        return [record["recordId"] for record in call("LIST_RECORDS", userId="user-101", **members)[1]["records"]]

    assert ids() == ["a", "b", "c"]
    assert ids(newestFirst=True) == ["c", "b", "a"]
    assert ids(since="2026-02-01T00:00:00Z", until="2026-02-28T23:00:00Z") == ["b", "c"]
    token = call("LIST_RECORDS", userId="user-101", limit=1)[1]["nextToken"]
    assert ids(limit=1, nextToken=token) == ["b"]
    assert call("LIST_RECORDS", userId="user-102", nextToken=token)[0] == 400
    status, body = call("ADD_RECORD", userId="user-101", record={"recordId": "a"})
    assert (status, body["error"]) == (409, "RecordExists")


# Challenge 2: more users than one BatchWriteItem takes, read back in the order asked for.
def test_batches(call: Any) -> None:
    new_users = [{"userId": f"user-{number}", "email": f"u{number}@example.com"} for number in range(60)]
    status, body = call("BATCH_CREATE", users=new_users)
    assert (status, len(body["created"]), body["unprocessed"]) == (201, 60, [])
    status, body = call("BATCH_READ", userIds=["user-59", "nobody", "user-0"])
    assert status == 200
    assert [user["userId"] for user in body["users"]] == ["user-59", "user-0"]
    assert body["missing"] == ["nobody"]
    assert call("BATCH_CREATE", users=new_users[:1])[1]["error"] == "UserExists"
    assert call("CREATE", data={"userId": "x", "email": "u7@example.com"})[1]["error"] == "EmailTaken"
    batch = [{"userId": "y", "email": "y@example.com"}, {"userId": "z", "email": "u8@example.com"}]
    assert call("BATCH_CREATE", users=batch)[1]["error"] == "EmailTaken"
    assert call("READ", userId="y")[0] == 404


# Challenge 3: below, at and above the stored number; a new attribute counts as smaller than anything.
@pytest.mark.parametrize(("value", "status"), [(24, 409), (25, 409), (25.5, 200)])
def test_update_if_greater(call: Any, value: float, status: int) -> None:
    call("CREATE", data={**TEST_USER, "score": 25})
    answer, body = call("UPDATE_IF_GREATER", userId="user-101", attribute="score", value=value)
    assert answer == status
    if status == 409:
        assert (body["error"], body["current"]) == ("NotGreater", 25)
    else:
        assert body["user"]["score"] == value
    assert call("UPDATE_IF_GREATER", userId="user-101", attribute="level", value=-1)[0] == 200


# Challenge 4: an expired user is gone for every reader at once, deleted or not, and its id and address are free.
def test_an_expired_user_is_gone(call: Any, stored_function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    body = call("CREATE", data={**TEST_USER, "ttlSeconds": 60})[1]
    moment = body["user"]["expiresAt"]
    monkeypatch.setattr(stored_function, "now_s", lambda: moment - 1)
    assert call("READ", userId="user-101")[0] == 200
    monkeypatch.setattr(stored_function, "now_s", lambda: moment)
    assert call("READ", userId="user-101")[0] == 404
    assert call("FIND_BY_EMAIL", email="test@example.com")[0] == 404
    assert call("LIST")[1]["count"] == 0
    assert call("UPDATE", userId="user-101", updates={"age": 3})[0] == 404
    assert call("DELETE", userId="user-101")[0] == 404
    assert call("BATCH_READ", userIds=["user-101"])[1]["missing"] == ["user-101"]
    assert call("CREATE", data={"userId": "user-102", "email": "test@example.com"})[0] == 201
    assert call("CREATE", data={"userId": "user-101", "email": "again@example.com"})[0] == 201


# Challenge 5: credits move completely or not at all, and a repeated transfer is not done twice.
def test_transfer(call: Any) -> None:
    call("CREATE", data={"userId": "a", "email": "a@example.com", "credits": 100})
    call("CREATE", data={"userId": "b", "email": "b@example.com"})
    moves = {"from": "a", "to": "b", "amount": 30.5, "transferId": "t-1"}
    for _ in range(2):
        status, body = call("TRANSFER", **moves)
        assert (status, body["credits"]) == (200, {"a": 69.5, "b": 30.5})
    status, body = call("TRANSFER", **{**moves, "amount": 1})
    assert (status, body["error"]) == (409, "TokenReused")
    status, body = call("TRANSFER", **{"from": "a", "to": "b", "amount": 70})
    assert (status, body["error"], body["credits"]) == (409, "NotEnoughCredits", 69.5)
    for giver, taker in (("a", "nobody"), ("nobody", "a")):
        status, body = call("TRANSFER", **{"from": giver, "to": taker, "amount": 1})
        assert (status, body["error"]) == (404, "UserNotFound")
        assert "nobody" in body["message"]
    assert call("READ", userId="a")[1]["user"]["credits"] == 69.5


# DynamoDB's own limits are told to the caller as an error result, not as a crash of the function.
def test_an_item_over_400_kb_is_refused(call: Any) -> None:
    status, body = call("CREATE", data={**TEST_USER, "biography": "x" * 410_000})
    assert (status, body["error"]) == (400, "InvalidInput")


# The log line is for operators: the action and how it ended, and nothing personal.
def test_the_log_line_holds_nothing_personal(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call("CREATE", data=TEST_USER)
    line = capsys.readouterr().out.strip()
    assert json.loads(line) == {"action": "CREATE", "statusCode": 201, "error": None}
