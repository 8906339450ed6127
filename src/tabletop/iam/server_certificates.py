"""Server certificates of the account. No load balancer is here to use them; what is PEM is read, checked and kept.

The private key is checked against the certificate and not kept: nothing can ask for it, on AWS neither. A body that is no
PEM at all, as test set-ups have them, is kept unread, without an expiration.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.kinds import SERVER_CERTIFICATE
from tabletop.iam.operation import Answer, Change, Params, Read, Write, limit_exceeded, page, read_tags, tag_list
from tabletop.iam.records import Document, arn
from tabletop.iam.signing_certificates import read_certificate
from tabletop.iam.tagging import tag_reads, tag_writes
from tabletop.storage.store import Batch, View

CERTIFICATES_MAX = 20
_PEM = "-----BEGIN "


def upload(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    params = change.params
    tags = read_tags(params)
    record: Document = {
        **SERVER_CERTIFICATE.begun(view, change, now),
        "body": params["CertificateBody"].rstrip(),
        "expires": _expiration(params["CertificateBody"], params["PrivateKey"]),
        "chain": params.get("CertificateChain"),
        "tags": tags,
    }
    if SERVER_CERTIFICATE.records.count(view, change.account) >= CERTIFICATES_MAX:
        raise limit_exceeded(f"Cannot exceed quota for ServerCertificatesPerAccount: {CERTIFICATES_MAX}")
    answer: Answer = {"ServerCertificateMetadata": _shape(record)}
    if tags:
        answer["Tags"] = tag_list(tags)
    return answer, SERVER_CERTIFICATE.stored(change, record)


def get(view: View, call: Call, params: Params) -> Answer:
    record = SERVER_CERTIFICATE.find_in(view, call.principal.account, params)
    shape: Answer = {"ServerCertificateMetadata": _shape(record), "CertificateBody": record["body"]}
    if record["chain"] is not None:
        shape["CertificateChain"] = record["chain"]
    if record["tags"]:
        shape["Tags"] = tag_list(record["tags"])
    return {"ServerCertificate": shape}


def list_certificates(view: View, call: Call, params: Params) -> Answer:
    found = SERVER_CERTIFICATE.listed(view, call, params)
    return page(((key, _shape(record)) for key, record in found), params, "ServerCertificateMetadataList")


def update(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """A new name or path."""
    record, account = SERVER_CERTIFICATE.named_in(view, change), change.account
    before = record["name"].lower()
    name = change.params.get("NewServerCertificateName", record["name"])
    path = change.params.get("NewPath", record["path"])
    if name.lower() != before:
        SERVER_CERTIFICATE.refuse_taken(view, account, name)
    batch = Batch()
    SERVER_CERTIFICATE.records.delete(batch, account, before)
    record |= {"name": name, "path": path, "arn": arn(account, SERVER_CERTIFICATE.word, path, name)}
    SERVER_CERTIFICATE.records.put(batch, record, account, name.lower())
    return {}, batch


def delete(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = SERVER_CERTIFICATE.named_in(view, change)
    batch = Batch()
    SERVER_CERTIFICATE.records.delete(batch, change.account, record["name"].lower())
    return {}, batch


WRITES: dict[str, Write] = {
    "UploadServerCertificate": upload,
    "UpdateServerCertificate": update,
    "DeleteServerCertificate": delete,
    **tag_writes(SERVER_CERTIFICATE),
}
READS: dict[str, Read] = {
    "GetServerCertificate": get,
    "ListServerCertificates": list_certificates,
    **tag_reads(SERVER_CERTIFICATE),
}


def _shape(record: Document) -> Answer:
    shape = SERVER_CERTIFICATE.shape(record)
    shape["UploadDate"] = shape.pop("CreateDate")
    return shape if record["expires"] is None else shape | {"Expiration": record["expires"]}


def _expiration(body: str, private_key: str) -> float | None:
    """When a PEM certificate expires. KeyPairMismatch when a PEM key is another one's (inferred words)."""
    if not body.lstrip().startswith(_PEM):
        return None
    certificate = read_certificate(body)
    if private_key.lstrip().startswith(_PEM):
        try:
            key = load_pem_private_key(private_key.encode(), None).public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ApiError("MalformedCertificate", "Unable to parse the private key.", status=400) from None
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if key.public_bytes(*form) != certificate.public_key().public_bytes(*form):
            raise ApiError("KeyPairMismatch", "The public key and the private key do not match.", status=400)
    return certificate.not_valid_after_utc.timestamp()
