"""Which services somebody could reach, and when they were reached last."""

from __future__ import annotations

from tabletop.base.clock import ManualClock
from tabletop.iam.service import Iam

from .conftest import NOW, Api, DictStore
from .test_iam_authentication import enter
from .test_iam_authorization import document
from .test_iam_sessions import signed

ALICE = "arn:aws:iam::000000000000:user/alice"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"


def call_dynamodb(api: Api, iam: Iam, store: DictStore) -> None:
    key = api("CreateAccessKey", UserName="alice")["AccessKey"]
    request = signed(key["AccessKeyId"], key["SecretAccessKey"], at=api.clock())
    enter(iam, store, request, now=api.clock())


# Of the services that a user's policies name those that were called have a date; a group and a policy tell of their users.
def test_services_last_accessed(api: Api, iam: Iam, store: DictStore) -> None:
    api("CreateUser", UserName="alice")
    api("CreateGroup", GroupName="team")
    api("AddUserToGroup", GroupName="team", UserName="alice")
    api("AttachGroupPolicy", GroupName="team", PolicyArn=READ_ONLY)
    api("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document("s3:GetObject"))
    call_dynamodb(api, iam, store)
    for entity in (ALICE, "arn:aws:iam::000000000000:group/team", READ_ONLY):
        job = api("GenerateServiceLastAccessedDetails", Arn=entity)["JobId"]
        told = api("GetServiceLastAccessedDetails", JobId=job)
        assert (told["JobStatus"], told["JobType"]) == ("COMPLETED", "SERVICE_LEVEL")
        services = {one["ServiceNamespace"]: one for one in told["ServicesLastAccessed"]}
        used = services["dynamodb"]
        assert (used["LastAuthenticated"], used["LastAuthenticatedEntity"]) == (NOW, ALICE)
        assert ("s3" in services) is (entity == ALICE)
        assert all("LastAuthenticated" not in one for name, one in services.items() if name != "dynamodb")
        (who,) = api("GetServiceLastAccessedDetailsWithEntities", JobId=job, ServiceNamespace="dynamodb")[
            "EntityDetailsList"
        ]
        assert (who["EntityInfo"]["Arn"], who["EntityInfo"]["Type"]) == (ALICE, "USER")
    none = api.refusal("GenerateServiceLastAccessedDetails", Arn=ALICE + "x")
    assert none[:2] == ("NoSuchEntity", 404)
    assert api.refusal("GetServiceLastAccessedDetails", JobId="0" * 36)[:2] == ("NoSuchEntity", 404)


# Pages of a report are whole, and only the newest reports are kept.
def test_pages_and_bounds_of_reports(api: Api, clock: ManualClock) -> None:
    api("CreateUser", UserName="alice")
    api("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document("*"))
    jobs = []
    for _ in range(102):
        jobs.append(api("GenerateServiceLastAccessedDetails", Arn=ALICE)["JobId"])
        clock.advance(1)
    assert api.refusal("GetServiceLastAccessedDetails", JobId=jobs[1])[0] == "NoSuchEntity"
    whole = api("GetServiceLastAccessedDetails", JobId=jobs[2])["ServicesLastAccessed"]
    assert [one["ServiceNamespace"] for one in whole] == ["dynamodb", "iam", "lambda", "logs", "sts"]
    first = api("GetServiceLastAccessedDetails", JobId=jobs[2], MaxItems=2)
    rest = api("GetServiceLastAccessedDetails", JobId=jobs[2], Marker=first["Marker"])
    assert first["ServicesLastAccessed"] + rest["ServicesLastAccessed"] == whole


# Which policies open a service to somebody, inline ones with their owner.
def test_policies_granting_access(api: Api) -> None:
    api("CreateUser", UserName="alice")
    api("AttachUserPolicy", UserName="alice", PolicyArn=READ_ONLY)
    api("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document("s3:GetObject"))
    answer = api("ListPoliciesGrantingServiceAccess", Arn=ALICE, ServiceNamespaces=["s3", "dynamodb", "ec2x"])
    listed = {one["ServiceNamespace"]: one["Policies"] for one in answer["PoliciesGrantingServiceAccess"]}
    assert listed["s3"] == [{"PolicyName": "p", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "alice"}]
    managed = {"PolicyName": "AmazonDynamoDBReadOnlyAccess", "PolicyType": "MANAGED", "PolicyArn": READ_ONLY}
    assert (listed["dynamodb"], listed["ec2x"]) == ([managed], [])


# What was noted of somebody goes with him.
def test_uses_end_with_their_user(api: Api, iam: Iam, store: DictStore) -> None:
    api("CreateUser", UserName="alice")
    call_dynamodb(api, iam, store)
    (key,) = api("ListAccessKeys", UserName="alice")["AccessKeyMetadata"]
    api("DeleteAccessKey", UserName="alice", AccessKeyId=key["AccessKeyId"])
    api("DeleteUser", UserName="alice")
    assert not [stored for stored in store.content if b"use\0" in stored]
