"""X.509 signing certificates of users. No service here takes their signatures; they are read, kept and told."""

from __future__ import annotations

import base64
import hashlib

from cryptography.x509 import Certificate, load_pem_x509_certificate

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.belongings import Belongings
from tabletop.iam.operation import Answer, Change, Params, Read, Write, seconds
from tabletop.iam.records import SIGNING_CERTIFICATES, Document
from tabletop.storage.store import Batch, View

CERTIFICATES_MAX = 2
_ID_CHARACTERS = 32
_CERTIFICATES = Belongings(SIGNING_CERTIFICATES, "CertificateId", "The Certificate with id {id} cannot be found.")


def upload(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    user = _CERTIFICATES.owner(view, change.call, change.params)
    body = change.params["CertificateBody"]
    read_certificate(body)
    if any(record["body"] == body for _, record in _CERTIFICATES.below(view, change.call, user)):
        # Inferred words.
        raise ApiError("DuplicateCertificate", "The certificate is already associated with the user.", status=409)
    _CERTIFICATES.check_quota(view, change.call, user, "CertificatesPerUser", CERTIFICATES_MAX)
    digest = hashlib.sha256(change.unique_id.encode()).digest()
    record: Document = {
        "id": base64.b32encode(digest).decode()[:_ID_CHARACTERS],
        "body": body,
        "status": "Active",
        "uploaded": seconds(now),
    }
    return {"Certificate": _shape(user, record)}, _CERTIFICATES.stored(change, user, record)


def list_certificates(view: View, call: Call, params: Params) -> Answer:
    return _CERTIFICATES.listed(view, call, params, "Certificates", _shape)


def read_certificate(body: str) -> Certificate:
    try:
        return load_pem_x509_certificate(body.encode())
    except ValueError:
        raise ApiError("MalformedCertificate", f"Certificate {body} is malformed", status=400) from None


WRITES: dict[str, Write] = {
    "UploadSigningCertificate": upload,
    "UpdateSigningCertificate": _CERTIFICATES.update_status,
    "DeleteSigningCertificate": _CERTIFICATES.delete,
}
READS: dict[str, Read] = {"ListSigningCertificates": list_certificates}


def _shape(user: Document, record: Document) -> Answer:
    return {
        "UserName": user["name"],
        "CertificateId": record["id"],
        "CertificateBody": record["body"],
        "Status": record["status"],
        "UploadDate": record["uploaded"],
    }
