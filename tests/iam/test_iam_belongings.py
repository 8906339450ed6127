"""What users and accounts keep besides access keys: SSH keys, certificates, credentials of one service."""

from __future__ import annotations

import datetime
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from .conftest import NOW, Api, DictStore


@pytest.fixture
def alice(api: Api) -> Api:
    api("CreateUser", UserName="alice")
    return api


@cache
def ssh_key(number: int) -> str:
    """The ``number``-th key of this run."""
    key = rsa.generate_private_key(65537, 2048).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + " comment"


@cache
def certificate(number: int) -> tuple[str, str]:
    """(certificate, its private key), both in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    begin = datetime.datetime(2025, 1, 1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), number + 1, begin, datetime.datetime(2030, 1, 1))
    made = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM).decode(), private.decode()


# A key is told in the form it came in and in the other, under an MD5 fingerprint, and can be switched off.
def test_an_ssh_key(alice: Api) -> None:
    made = alice("UploadSSHPublicKey", UserName="alice", SSHPublicKeyBody=ssh_key(0))["SSHPublicKey"]
    named = {"UserName": "alice", "SSHPublicKeyId": made["SSHPublicKeyId"]}
    assert made["SSHPublicKeyId"].startswith("APKA")
    assert len(made["Fingerprint"].split(":")) == 16
    assert (made["Status"], made["UploadDate"], made["SSHPublicKeyBody"]) == ("Active", NOW, ssh_key(0))
    assert alice("GetSSHPublicKey", Encoding="SSH", **named)["SSHPublicKey"] == made
    pem = alice("GetSSHPublicKey", Encoding="PEM", **named)["SSHPublicKey"]["SSHPublicKeyBody"]
    assert pem.startswith("-----BEGIN PUBLIC KEY-----")
    assert alice.refusal("UploadSSHPublicKey", UserName="alice", SSHPublicKeyBody=pem)[0] == "DuplicateSSHPublicKey"
    alice("UpdateSSHPublicKey", Status="Inactive", **named)
    (listed,) = alice("ListSSHPublicKeys", UserName="alice")["SSHPublicKeys"]
    assert listed == {**named, "Status": "Inactive", "UploadDate": NOW}
    assert alice.refusal("DeleteUser", UserName="alice")[:2] == ("DeleteConflict", 409)
    alice("DeleteSSHPublicKey", **named)
    assert alice.refusal("GetSSHPublicKey", Encoding="SSH", **named)[:2] == ("NoSuchEntity", 404)
    alice("DeleteUser", UserName="alice")


# What is no RSA key of 2,048 bits is refused.
@pytest.mark.parametrize(
    "body", ["ssh-rsa AAAA", "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", "small", "curve"]
)
def test_other_keys_are_refused(alice: Api, body: str) -> None:
    if body == "small":
        key: Any = rsa.generate_private_key(65537, 1024).public_key()
        body = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    elif body == "curve":
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        body = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    refused = alice.refusal("UploadSSHPublicKey", UserName="alice", SSHPublicKeyBody=body)
    assert refused[:2] == ("InvalidPublicKey", 400)


# Two signing certificates a user, no third, none twice, none that is no certificate.
def test_signing_certificates(alice: Api) -> None:
    made = [
        alice("UploadSigningCertificate", UserName="alice", CertificateBody=certificate(n)[0])["Certificate"]
        for n in range(2)
    ]
    assert len({one["CertificateId"] for one in made}) == 2
    third = alice.refusal("UploadSigningCertificate", UserName="alice", CertificateBody=certificate(2)[0])
    assert third == ("LimitExceeded", 409, "Cannot exceed quota for CertificatesPerUser: 2")
    again = alice.refusal("UploadSigningCertificate", UserName="alice", CertificateBody=certificate(0)[0])
    assert again[:2] == ("DuplicateCertificate", 409)
    bad = alice.refusal("UploadSigningCertificate", UserName="alice", CertificateBody="nothing")
    assert bad == ("MalformedCertificate", 400, "Certificate nothing is malformed")
    named = {"UserName": "alice", "CertificateId": made[0]["CertificateId"]}
    alice("UpdateSigningCertificate", Status="Inactive", **named)
    listed = alice("ListSigningCertificates", UserName="alice")["Certificates"]
    assert {one["CertificateId"]: one["Status"] for one in listed}[named["CertificateId"]] == "Inactive"
    alice("DeleteSigningCertificate", **named)
    assert alice.refusal("DeleteSigningCertificate", **named) == (
        "NoSuchEntity",
        404,
        f"The Certificate with id {named['CertificateId']} cannot be found.",
    )


# The password is told once and sealed; a second credential of a service has another user name, a third is refused.
def test_service_specific_credentials(alice: Api, store: DictStore) -> None:
    wanted = {"UserName": "alice", "ServiceName": "codecommit.amazonaws.com"}
    made = [alice("CreateServiceSpecificCredential", **wanted)["ServiceSpecificCredential"] for _ in range(2)]
    assert [one["ServiceUserName"] for one in made] == ["alice-at-000000000000", "alice+1-at-000000000000"]
    assert not any(made[0]["ServicePassword"].encode() in value for value in store.content.values())
    assert alice.refusal("CreateServiceSpecificCredential", **wanted)[0] == "LimitExceeded"
    named = {"UserName": "alice", "ServiceSpecificCredentialId": made[0]["ServiceSpecificCredentialId"]}
    renewed = alice("ResetServiceSpecificCredential", **named)["ServiceSpecificCredential"]
    assert renewed["ServicePassword"] != made[0]["ServicePassword"]
    assert renewed["ServiceSpecificCredentialId"] == named["ServiceSpecificCredentialId"]
    alice("UpdateServiceSpecificCredential", Status="Inactive", **named)
    listed = alice("ListServiceSpecificCredentials", UserName="alice")["ServiceSpecificCredentials"]
    assert sorted(one["Status"] for one in listed) == ["Active", "Inactive"]
    assert not any("ServicePassword" in one for one in listed)
    assert len(alice("ListServiceSpecificCredentials", AllUsers=True)["ServiceSpecificCredentials"]) == 2
    alice("DeleteServiceSpecificCredential", **named)
    assert alice.refusal("DeleteServiceSpecificCredential", **named)[2] == (
        f"No such credential {named['ServiceSpecificCredentialId']} exists"
    )
    other = alice.refusal("CreateServiceSpecificCredential", UserName="alice", ServiceName="x.amazonaws.com")
    assert other[:2] == ("NoSuchEntity", 404)


# A server certificate is read, told with its end, renamed, tagged, counted; its private key is nowhere.
def test_a_server_certificate(api: Api, store: DictStore) -> None:
    body, key = certificate(0)
    made = api("UploadServerCertificate", ServerCertificateName="web", CertificateBody=body, PrivateKey=key, Path="/a/")
    shape = made["ServerCertificateMetadata"]
    assert shape["Arn"] == "arn:aws:iam::000000000000:server-certificate/a/web"
    assert shape["ServerCertificateId"].startswith("ASCA")
    assert shape["Expiration"] == datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC).timestamp()
    assert not any(key.splitlines()[1].encode() in value for value in store.content.values())
    twice = {"ServerCertificateName": "Web", "CertificateBody": body, "PrivateKey": key}
    assert api.refusal("UploadServerCertificate", **twice)[:2] == ("EntityAlreadyExists", 409)
    api("UpdateServerCertificate", ServerCertificateName="web", NewServerCertificateName="site", NewPath="/b/")
    api("TagServerCertificate", ServerCertificateName="site", Tags=[{"Key": "k", "Value": "v"}])
    told = api("GetServerCertificate", ServerCertificateName="site")["ServerCertificate"]
    assert told["ServerCertificateMetadata"]["Arn"].endswith("/b/site")
    assert told["Tags"] == api("ListServerCertificateTags", ServerCertificateName="site")["Tags"]
    assert api("ListServerCertificates", PathPrefix="/a/")["ServerCertificateMetadataList"] == []
    assert len(api("ListServerCertificates", PathPrefix="/b/")["ServerCertificateMetadataList"]) == 1
    assert api("GetAccountSummary")["SummaryMap"]["ServerCertificates"] == 1
    other = {"ServerCertificateName": "x", "CertificateBody": body, "PrivateKey": certificate(1)[1]}
    assert api.refusal("UploadServerCertificate", **other)[:2] == ("KeyPairMismatch", 400)
    api("DeleteServerCertificate", ServerCertificateName="site")
    assert api.refusal("DeleteServerCertificate", ServerCertificateName="site") == (
        "NoSuchEntity",
        404,
        "The Server Certificate with name site cannot be found.",
    )
