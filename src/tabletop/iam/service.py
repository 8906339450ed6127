"""``Iam``: IAM and STS as the layers above see them, and the door to authentication and authorisation.

Every operation is a plan (it writes) or a read, kept in one table by its name; what is random is drawn here, before
the plan. Answers are in the form of botocore's models, with times as seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from tabletop.base.access import NO_FACTS, Facts, Target
from tabletop.base.call import Call
from tabletop.base.clock import system_clock
from tabletop.base.errors import ApiError
from tabletop.base.randomness import new_unique_id, new_uuid
from tabletop.iam import sts
from tabletop.iam.authentication import Authenticator, Identity, Mode
from tabletop.iam.authorization import Authorizer
from tabletop.iam.credentials import MFA_SEED, SERVICE_KEY, SESSION_KEY, USER_KEY, DrawnCredentials, Keyring
from tabletop.iam.journal import Journal
from tabletop.iam.names import check_names
from tabletop.iam.operation import Answer, Change, Params, Read, Write
from tabletop.iam.policy_grammar import check_resource_policy
from tabletop.iam.root_key import keep_root_key
from tabletop.iam.sessions import SWEEP_STEP_MAX, plan_sweep
from tabletop.iam.signature_errors import signing_name
from tabletop.iam.sts import LambdaSession, RoleCredentials, check_lambda_role, plan_lambda_session
from tabletop.iam.targets import request_facts, targets
from tabletop.iam.uses import Uses
from tabletop.storage.store import Store, View
from tabletop.wire.http import HttpRequest

Handler = Callable[[Call, Params], Awaitable[Answer]]

_DRAWN_CREDENTIALS = {
    "CreateAccessKey": USER_KEY,
    "CreateVirtualMFADevice": MFA_SEED,
    "CreateServiceSpecificCredential": SERVICE_KEY,
    "ResetServiceSpecificCredential": SERVICE_KEY,
    "AssumeRole": SESSION_KEY,
    "GetSessionToken": SESSION_KEY,
    "GetFederationToken": SESSION_KEY,
}


class Iam:
    service_names = ("iam", "sts")

    def __init__(self, store: Store, *, secret_key: bytes, auth: Mode = "enforce") -> None:
        """``secret_key``: the 32 bytes of the data directory's key file. ``auth``: the setting ``--auth``."""
        self._store = store
        self._mode = auth
        self._keyring = Keyring(secret_key)
        self._journal = Journal(store)
        self._authorizer = Authorizer(self._keyring, self._journal)
        self._authenticator = Authenticator(self._keyring, self._authorizer.holdings, mode=auth)
        self._uses = Uses(store)

    @cached_property
    def handlers(self) -> dict[str, dict[str, Handler]]:
        """Service -> action -> handler. Loaded when first asked for: DynamoDB needs none of them."""
        from tabletop.iam import families

        return {
            "iam": self._bind(*families.operations(self._keyring, self._authorizer)),
            "sts": self._bind(*sts.operations(self._keyring, self._authorizer)),
        }

    async def handle(self, service: str, call: Call, action: str, params: Mapping[str, Any]) -> Answer:
        handler = self.handlers[service].get(action)
        if handler is None:
            raise ApiError("InvalidAction", f"Could not find operation {action} for version {VERSIONS[service]}")
        if service == "iam":
            check_names(action, params)
        return await handler(call, params)

    def authenticate(self, view: View, request: HttpRequest, service: str, now: float) -> Identity:
        """Who sent the request, which was routed to ``service``; ApiError in that service's words."""
        identity = self._authenticator.authenticate(view, request, service, now)
        if identity.issued:
            self._uses.note(identity.principal, identity.access_key_id, signing_name(service), identity.region, now)
        return identity

    @property
    def strangers(self) -> int:
        """How many requests were signed with a key that nobody here knows, and acted as the root."""
        return self._authenticator.strangers

    def authorize(
        self,
        view: View,
        call: Call,
        targets: Sequence[Target],
        facts: Facts = NO_FACTS,
    ) -> None:
        """Return if the caller may do all of ``targets``; otherwise the service's access denied error."""
        if call.principal.kind == "root" and not self._authenticator.enforcing:
            return
        self._authorizer.authorize(view, call, targets, facts)

    def check_resource_policy(self, document: str) -> None:
        """ValidationException for what is no policy of a resource."""
        try:
            check_resource_policy(document)
        except ApiError as error:
            # Inferred: the words behind the colon are IAM's.
            raise ApiError("ValidationException", f"Invalid policy document: {error.message}") from error

    def authorize_anybody(
        self,
        call: Call,
        targets: Sequence[Target],
        facts: Facts,
    ) -> None:
        """The same for a caller without any identity: the resource's own policy must allow everybody."""
        if self._authenticator.enforcing:
            self._authorizer.authorize_anybody(call, targets, facts)

    def targets(self, service: str, action: str, call: Call, params: Mapping[str, Any]) -> list[Target]:
        """What a call of IAM or STS itself must be allowed to do."""
        if call.principal.kind == "root":
            return []
        with self._store.view() as view:
            return targets(view, service, action, call, params)

    def facts(self, view: View, service: str, action: str, call: Call, params: Mapping[str, Any]) -> Facts:
        """What policies may ask about such a call."""
        return request_facts(view, action, call, params)

    def check_lambda_role(self, role_arn: str) -> None:
        """ApiError (CreateFunction's words) unless the role exists and Lambda may assume it."""
        with self._store.view() as view:
            check_lambda_role(view, role_arn)

    def authorize_role(self, role_arn: str, region: str, targets: Sequence[Target], facts: Facts = NO_FACTS) -> None:
        """ApiError unless Lambda may assume the role, and the role may do all of ``targets``: for what Lambda does with
        a function's role itself. Costs no session.
        """
        with self._store.view() as view:
            role = check_lambda_role(view, role_arn)
            if self._mode != "off":
                call = Call(new_uuid(), sts.split_account(role), region, sts.lambda_principal(role), system_clock())
                self._authorizer.authorize(view, call, targets, facts)

    async def role_credentials(self, role_arn: str, session_name: str, duration_s: int) -> RoleCredentials:
        """Temporary credentials of a function's role; durable when they are answered. ApiError as above."""
        request = LambdaSession(role_arn, session_name, duration_s, self._keyring.draw(SESSION_KEY))
        return await self._store.commit(plan_lambda_session, request)

    async def keep_root_key(self, given: str | None) -> DrawnCredentials | None:
        """Before anything is served. The root key that was made, to be shown once; None where there is one already."""
        return await keep_root_key(self._store, self._keyring, given, needed=self._mode == "strict")

    async def sweep(self) -> int:
        """One bounded step of forgetting expired sessions; answers how many went."""
        return await self._store.commit(plan_sweep, SWEEP_STEP_MAX)

    def _bind(self, writes: Mapping[str, Write], reads: Mapping[str, Read]) -> dict[str, Handler]:
        return {name: self._write(name, plan) for name, plan in writes.items()} | {
            name: self._read(read) for name, read in reads.items()
        }

    def _write(self, action: str, plan: Write) -> Handler:
        prefix = _DRAWN_CREDENTIALS.get(action)

        async def run(call: Call, params: Params) -> Answer:
            drawn = None if prefix is None else self._keyring.draw(prefix)
            try:
                return await self._store.commit(plan, Change(call, params, new_unique_id(""), drawn))
            finally:
                self._journal.write()

        return run

    def _read(self, read: Read) -> Handler:
        async def run(call: Call, params: Params) -> Answer:
            with self._store.view() as view:
                return read(view, call, params)

        return run


VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
