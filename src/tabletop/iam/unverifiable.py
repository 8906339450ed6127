"""STS operations that rest on what cannot be verified here: identity providers of others, and encoded messages.

The keys of a provider are at its address, which nobody asks from here. So every token is refused: in the words that AWS has
for an unknown provider, or for a registered one that cannot be reached. The two operations come without a signature:
they are refused before anybody asks who sent them.
"""

from __future__ import annotations

import base64
from urllib.parse import parse_qs

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.operation import Answer, Params, Read
from tabletop.iam.records import OIDC_PROVIDERS, SAML_PROVIDERS, split_arn
from tabletop.storage.store import View
from tabletop.wire.http import HttpRequest

_UNSIGNED = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")


def refuse_unsigned(view: View, request: HttpRequest, service: str) -> None:
    """Raise the refusal of a request that needs no signature; return for every other request."""
    if service != "sts":
        return
    content = request.body if request.body else request.query.encode()
    fields = parse_qs(content.decode("utf-8", "replace"), max_num_fields=100)
    action = fields.get("Action", [""])[0]
    if action in _UNSIGNED:
        raise refusal(view, action, {name: values[0] for name, values in fields.items()})


def refusal(view: View, action: str, params: Params) -> ApiError:
    if action == "AssumeRoleWithSAML":
        found = split_arn(params.get("PrincipalArn", ""))
        if found is not None and SAML_PROVIDERS.get(view, found[0], found[2]) is not None:
            # Recalled words.
            return ApiError("InvalidIdentityToken", "Response signature invalid", status=400)
        # Recalled words.
        return ApiError("InvalidIdentityToken", "Specified provider doesn't exist", status=400)
    if "ProviderId" in params:
        return ApiError("InvalidIdentityToken", f"Provider {params['ProviderId']} is not available here.", status=400)
    issuer = _issuer(params.get("WebIdentityToken", ""))
    if issuer is None:
        return ApiError(
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
            status=400,
        )
    role = split_arn(params.get("RoleArn", ""))
    if role is not None and OIDC_PROVIDERS.get(view, role[0], issuer.removeprefix("https://")) is not None:
        return ApiError(
            "InvalidIdentityToken",
            "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity "
            "documentation for requirements",
            status=400,
        )
    return ApiError("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}", status=400)


def _issuer(token: str) -> str | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer[:255] if isinstance(issuer, str) else None


def _assume_role_with_saml(view: View, call: Call, params: Params) -> Answer:
    raise refusal(view, "AssumeRoleWithSAML", params)


def _assume_role_with_web_identity(view: View, call: Call, params: Params) -> Answer:
    raise refusal(view, "AssumeRoleWithWebIdentity", params)


def _decode_authorization_message(view: View, call: Call, params: Params) -> Answer:
    """No service here encodes its refusals, so that no message is one of ours."""
    raise ApiError("InvalidAuthorizationMessageException", "Message is not valid", status=400)


READS: dict[str, Read] = {
    "AssumeRoleWithSAML": _assume_role_with_saml,
    "AssumeRoleWithWebIdentity": _assume_role_with_web_identity,
    "DecodeAuthorizationMessage": _decode_authorization_message,
}
