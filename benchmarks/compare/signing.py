"""Request bodies -> whole HTTP requests, signed as botocore signs them, so that the load generator only sends bytes.

A signature is good for five minutes: requests are made right before each run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one server with one access key."""

    host: str
    access_key_id: str
    secret_access_key: str

    def sign(self, action: str, body: bytes) -> bytes:
        """The request as it goes over the wire."""
        request = AWSRequest(
            "POST",
            f"http://{self.host}/",
            headers={
                "Host": self.host,
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"DynamoDB_20120810.{action}",
                "User-Agent": "Boto3/1.44 md/Botocore#1.44 ua/2.1 os/linux lang/python#3.11",
            },
            data=body,
        )
        credentials = Credentials(self.access_key_id, self.secret_access_key)
        SigV4Auth(credentials, "dynamodb", REGION).add_auth(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        lines.append(f"Content-Length: {len(body)}")
        return ("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode() + body

    def sign_all(self, requests: Iterable[tuple[str, bytes]]) -> list[bytes]:
        return [self.sign(action, body) for action, body in requests]
