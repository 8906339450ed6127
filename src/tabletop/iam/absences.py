"""What no user or account has here, because it cannot be made: reads of it answer so, truthfully.

Consoles, passwords, MFA devices, certificates and identity providers do not exist here; the operations that would make
them answer InvalidAction. Tools ask for them all the same: Terraform before it deletes a user with force_destroy.
"""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.iam.kinds import USER
from tabletop.iam.operation import Answer, Params, Read
from tabletop.storage.store import View


def _nothing(member: str, *, paged: bool = True) -> Read:
    def read(view: View, call: Call, params: Params) -> Answer:
        if "UserName" in params:
            USER.find(view, call.principal.account, params["UserName"])
        return {member: []} | ({"IsTruncated": False} if paged else {})

    return read


READS: dict[str, Read] = {
    "ListSigningCertificates": _nothing("Certificates"),
    "ListSSHPublicKeys": _nothing("SSHPublicKeys"),
    "ListServiceSpecificCredentials": _nothing("ServiceSpecificCredentials"),
    "ListServerCertificates": _nothing("ServerCertificateMetadataList"),
    "ListOpenIDConnectProviders": _nothing("OpenIDConnectProviderList", paged=False),
    "ListSAMLProviders": _nothing("SAMLProviderList", paged=False),
}
