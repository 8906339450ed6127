"""Identity providers, and the roles that services make for themselves."""

from __future__ import annotations

import json
from urllib.parse import unquote

from .conftest import NOW, Api
from .test_iam_authorization import document

URL = "https://token.actions.githubusercontent.com"
PROVIDER = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"
METADATA = "<EntityDescriptor>" + "x" * 1000 + "</EntityDescriptor>"


# An OpenID Connect provider from registration to its end; what is there is added, and what is gone removed, without an error.
def test_an_oidc_provider(api: Api) -> None:
    made = api("CreateOpenIDConnectProvider", Url=URL, ClientIDList=["a"], ThumbprintList=["0" * 40])
    assert made == {"OpenIDConnectProviderArn": PROVIDER}
    assert api.refusal("CreateOpenIDConnectProvider", Url=URL) == (
        "EntityAlreadyExists",
        409,
        f"Provider with url {URL} already exists.",
    )
    named = {"OpenIDConnectProviderArn": PROVIDER}
    for client in ("b", "b"):
        api("AddClientIDToOpenIDConnectProvider", ClientID=client, **named)
    for client in ("a", "a"):
        api("RemoveClientIDFromOpenIDConnectProvider", ClientID=client, **named)
    api("UpdateOpenIDConnectProviderThumbprint", ThumbprintList=["1" * 40], **named)
    api("TagOpenIDConnectProvider", Tags=[{"Key": "k", "Value": "v"}], **named)
    assert api("GetOpenIDConnectProvider", **named) == {
        "Url": "token.actions.githubusercontent.com",
        "ClientIDList": ["b"],
        "ThumbprintList": ["1" * 40],
        "CreateDate": NOW,
        "Tags": [{"Key": "k", "Value": "v"}],
    }
    assert api("ListOpenIDConnectProviders") == {"OpenIDConnectProviderList": [{"Arn": PROVIDER}]}
    assert api("GetAccountSummary")["SummaryMap"]["Providers"] == 1
    api("DeleteOpenIDConnectProvider", **named)
    api("DeleteOpenIDConnectProvider", **named)
    gone = ("NoSuchEntity", 404, f"OpenIDConnect Provider not found for arn {PROVIDER}")
    assert api.refusal("GetOpenIDConnectProvider", **named) == gone


# What a provider cannot be made of.
def test_bad_oidc_providers(api: Api) -> None:
    assert api.refusal("CreateOpenIDConnectProvider", Url="example.com") == (
        "ValidationError",
        400,
        "Invalid Open ID Connect Provider URL",
    )
    prints = ["0" * 40] * 6
    assert api.refusal("CreateOpenIDConnectProvider", Url=URL, ThumbprintList=prints)[0] == "InvalidInput"
    clients = [str(n) for n in range(101)]
    assert api.refusal("CreateOpenIDConnectProvider", Url=URL, ClientIDList=clients) == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100",
    )


# A SAML provider keeps its metadata as they came.
def test_a_saml_provider(api: Api) -> None:
    arn = api("CreateSAMLProvider", Name="corp", SAMLMetadataDocument=METADATA)["SAMLProviderArn"]
    assert arn == "arn:aws:iam::000000000000:saml-provider/corp"
    again = api.refusal("CreateSAMLProvider", Name="corp", SAMLMetadataDocument=METADATA)
    assert again[:2] == ("EntityAlreadyExists", 409)
    api("UpdateSAMLProvider", SAMLProviderArn=arn, SAMLMetadataDocument=METADATA + " ")
    api("TagSAMLProvider", SAMLProviderArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    told = api("GetSAMLProvider", SAMLProviderArn=arn)
    assert (told["SAMLMetadataDocument"], told["Tags"]) == (METADATA + " ", [{"Key": "k", "Value": "v"}])
    assert [one["Arn"] for one in api("ListSAMLProviders")["SAMLProviderList"]] == [arn]
    api("DeleteSAMLProvider", SAMLProviderArn=arn)
    gone = ("NoSuchEntity", 404, f"Manifest not found for arn {arn}")
    assert api.refusal("GetSAMLProvider", SAMLProviderArn=arn) == gone


# The name and the path of a service-linked role are the service's; a suffix only where the service takes one.
def test_service_linked_roles(api: Api) -> None:
    made = api("CreateServiceLinkedRole", AWSServiceName="autoscaling.amazonaws.com", Description="d")["Role"]
    assert made["Arn"].endswith(":role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")
    trust = json.loads(unquote(made["AssumeRolePolicyDocument"]))
    assert trust["Statement"][0]["Principal"] == {"Service": ["autoscaling.amazonaws.com"]}
    assert api.refusal("CreateServiceLinkedRole", AWSServiceName="autoscaling.amazonaws.com") == (
        "InvalidInput",
        400,
        "Service role name AWSServiceRoleForAutoScaling has been taken in this account, please try a different suffix.",
    )
    more = api("CreateServiceLinkedRole", AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x")["Role"]
    assert more["RoleName"] == "AWSServiceRoleForAutoScaling_x"
    ecs = api.refusal("CreateServiceLinkedRole", AWSServiceName="ecs.amazonaws.com", CustomSuffix="x")
    assert ecs == ("InvalidInput", 400, "Custom suffix is not allowed for ecs.amazonaws.com")
    odd = api("CreateServiceLinkedRole", AWSServiceName="some-thing.service.amazonaws.com")["Role"]
    assert odd["RoleName"] == "AWSServiceRoleForService_SomeThing"


# Nobody changes a service-linked role, and only its own operation deletes it; the deletion can be looked up.
def test_service_linked_roles_are_protected(api: Api) -> None:
    name = api("CreateServiceLinkedRole", AWSServiceName="rds.amazonaws.com")["Role"]["RoleName"]
    for action, params in (
        ("DeleteRole", {}),
        ("PutRolePolicy", {"PolicyName": "p", "PolicyDocument": document("s3:*")}),
        ("AttachRolePolicy", {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        ("UpdateAssumeRolePolicy", {"PolicyDocument": "{}"}),
    ):
        assert api.refusal(action, RoleName=name, **params) == (
            "UnmodifiableEntity",
            400,
            f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS",
        )
    api("UpdateRoleDescription", RoleName=name, Description="mine")
    task = api("DeleteServiceLinkedRole", RoleName=name)["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/rds.amazonaws.com/{name}/")
    assert api("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task) == {"Status": "SUCCEEDED"}
    assert api.refusal("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task + "0")[0] == "NoSuchEntity"
    assert api.refusal("GetRole", RoleName=name)[0] == "NoSuchEntity"
