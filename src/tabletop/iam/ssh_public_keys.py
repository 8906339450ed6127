"""SSH public keys of users, which CodeCommit would take: read, kept, told in both encodings."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.belongings import Belongings
from tabletop.iam.operation import Answer, Change, Params, Read, Write, seconds
from tabletop.iam.records import SSH_KEYS, Document
from tabletop.storage.store import Batch, View

KEYS_MAX = 5
_BITS_MIN = 2048
_ENCODINGS = {
    "SSH": (Encoding.OpenSSH, PublicFormat.OpenSSH),
    "PEM": (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
}
_KEYS = Belongings(SSH_KEYS, "SSHPublicKeyId", "The Public Key with id {id} cannot be found.")


def upload(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    user = _KEYS.owner(view, change.call, change.params)
    body = change.params["SSHPublicKeyBody"]
    key = _read(body)
    fingerprint = _fingerprint(key)
    if any(record["fingerprint"] == fingerprint for _, record in _KEYS.below(view, change.call, user)):
        # Inferred words.
        raise ApiError("DuplicateSSHPublicKey", "The SSH public key is already associated with the user.", status=400)
    _KEYS.check_quota(view, change.call, user, "SSHPublicKeysPerUser", KEYS_MAX)
    record: Document = {
        "id": "APKA" + change.unique_id,
        "body": body,
        "fingerprint": fingerprint,
        "status": "Active",
        "uploaded": seconds(now),
    }
    return {"SSHPublicKey": _whole(user, record, body)}, _KEYS.stored(change, user, record)


def get(view: View, call: Call, params: Params) -> Answer:
    user, record = _KEYS.find(view, call, params)
    body, wanted = record["body"], params["Encoding"]
    if wanted != ("PEM" if body.lstrip().startswith("-----") else "SSH"):
        body = _read(body).public_bytes(*_ENCODINGS[wanted]).decode()
    return {"SSHPublicKey": _whole(user, record, body)}


def list_keys(view: View, call: Call, params: Params) -> Answer:
    return _KEYS.listed(view, call, params, "SSHPublicKeys", _shape)


WRITES: dict[str, Write] = {
    "UploadSSHPublicKey": upload,
    "UpdateSSHPublicKey": _KEYS.update_status,
    "DeleteSSHPublicKey": _KEYS.delete,
}
READS: dict[str, Read] = {"GetSSHPublicKey": get, "ListSSHPublicKeys": list_keys}


def _read(body: str) -> RSAPublicKey:
    """An RSA key in ssh-rsa or PEM form. The words of the refusals are inferred."""
    text = body.strip().encode()
    try:
        key = (load_pem_public_key if text.startswith(b"-----") else load_ssh_public_key)(text)
    except (ValueError, UnsupportedAlgorithm):
        raise ApiError("InvalidPublicKey", "The public key is malformed or otherwise invalid.", status=400) from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _BITS_MIN:
        raise ApiError(
            "InvalidPublicKey", f"The public key must be an RSA key of at least {_BITS_MIN} bits.", status=400
        )
    return key


def _fingerprint(key: RSAPublicKey) -> str:
    """MD5, as AWS tells it: sixteen bytes with colons between."""
    blob = key.public_bytes(*_ENCODINGS["SSH"]).split()[1]
    digest = hashlib.md5(base64.b64decode(blob), usedforsecurity=False).digest()
    return digest.hex(":")


def _shape(user: Document, record: Document) -> Answer:
    return {
        "UserName": user["name"],
        "SSHPublicKeyId": record["id"],
        "Status": record["status"],
        "UploadDate": record["uploaded"],
    }


def _whole(user: Document, record: Document, body: str) -> Answer:
    return _shape(user, record) | {"Fingerprint": record["fingerprint"], "SSHPublicKeyBody": body}
