"""``Functions``: the Lambda service as the server wires it and the gateway calls it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from tabletop.base import randomness
from tabletop.base.access import Facts
from tabletop.base.call import Call
from tabletop.base.clock import Clock, Stopwatch, system_clock, system_stopwatch
from tabletop.base.errors import ApiError
from tabletop.base.files import runtimes_directory
from tabletop.base.log import Log
from tabletop.functions import layers, names, registry
from tabletop.functions.constraints import complete_error
from tabletop.functions.downloads import PATH_PREFIX, Downloads
from tabletop.functions.event_queue import EventQueue
from tabletop.functions.event_sources.delivery import Means
from tabletop.functions.event_sources.facts import MappingFacts
from tabletop.functions.event_sources.service import EventSources
from tabletop.functions.facts import FunctionFacts
from tabletop.functions.invocations import Invocation, Invoker
from tabletop.functions.launcher import Launcher
from tabletop.functions.limits import Settings
from tabletop.functions.names import Reference
from tabletop.functions.operations import ACTIONS, event_source_mappings, permissions
from tabletop.functions.operations.refusals import not_available
from tabletop.functions.outcomes import Outcome
from tabletop.functions.pool import Pool
from tabletop.functions.ports import Listen, Logs, Roles
from tabletop.functions.provisioning import Provisioner
from tabletop.functions.response_streams import ResponseStream
from tabletop.functions.throttle import Throttle
from tabletop.functions.watching import LOOK_S
from tabletop.functions.workings import Workings
from tabletop.storage.store import Store, View
from tabletop.wire.http import HttpRequest, HttpResponse

_log = Log("functions")

_SWEEP_S = 15.0

_IAM_ACTIONS = {
    "Invoke": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
    "GetLayerVersionByArn": "GetLayerVersion",
}
"""API actions whose IAM action has another name."""

_ACCOUNT_WIDE = frozenset({"ListFunctions", "GetAccountSettings", "ListLayers", "ListLayerVersions"})


_OPEN_TO_OTHERS = frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"})
"""What principals of another account can do, where the function's policy lets them."""


class Functions:
    """``endpoint_url`` is where functions find all services; ``data / "functions"`` is this service's own folder.

    ``isolation`` is the wanted kind of ``enclosures`` or "auto"; ``installed`` is where ``tabletop lambda runtimes`` installs.
    """

    service_names = ("lambda",)
    download_path_prefix = PATH_PREFIX
    """Requests below this path go to ``download``, without signature."""

    def __init__(
        self,
        *,
        store: Store,
        logs: Logs,
        iam: Roles,
        listen: Listen,
        data: Path,
        endpoint_url: str,
        settings: Settings | None = None,
        isolation: str = "auto",
        installed: Path | None = None,
        clock: Clock = system_clock,
        stopwatch: Stopwatch = system_stopwatch,
    ) -> None:
        settings = settings or Settings()
        launcher = Launcher(
            store=store,
            logs=logs,
            roles=iam,
            listen=listen,
            clock=clock,
            settings=settings,
            folder=data / "functions",
            endpoint_url=endpoint_url,
            isolation=isolation,
            installed=installed or runtimes_directory(),
        )
        pool = Pool(settings, clock)
        invoker = Invoker(launcher, pool, Throttle(store), clock, stopwatch)
        events = EventQueue(store, logs, iam, invoker, settings, clock)
        means = Means(store=store, invoker=invoker, events=events, roles=iam, logs=logs, clock=clock)
        self._workings = Workings(
            store=store,
            roles=iam,
            clock=clock,
            settings=settings,
            launcher=launcher,
            pool=pool,
            invoker=invoker,
            events=events,
            event_sources=EventSources(means),
            provisioner=Provisioner(store, invoker, pool),
            downloads=Downloads(store, clock),
        )
        self._watcher: asyncio.Task[None] | None = None
        self._search: asyncio.Task[None] | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """End what a killed server left behind, then take up the events that wait."""
        await asyncio.to_thread(self._workings.launcher.sweep)
        self._search = asyncio.get_running_loop().create_task(
            asyncio.to_thread(self._workings.launcher.find_programs), name="find programs"
        )
        self._workings.events.start()
        self._workings.event_sources.start()
        self._workings.provisioner.start()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """End every sandbox (and nothing else); events that wait stay in the store."""
        for task in (self._sweeper, self._watcher):
            if task is not None:
                task.cancel()
        await self._workings.event_sources.stop()
        await self._workings.provisioner.stop()
        await self._workings.events.stop()
        await self._workings.pool.close()
        if self._search is not None:
            await asyncio.wait([self._search])

    async def settle(self) -> None:
        """Return when nothing asynchronous is under way and every log line so far is in the store."""
        await self._workings.events.settle()
        await self._workings.pool.settle_logs()

    async def handle(self, service: str, call: Call, action: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer in botocore's terms. Raises ApiError."""
        operation = ACTIONS.get(action)
        if operation is None:
            raise not_available(action)
        try:
            return await operation(self._workings, call, params)
        except ApiError as error:
            complete_error(error)
            raise

    def targets(self, service: str, action: str, call: Call, params: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The (IAM action, resource ARN) pairs that the caller must be allowed. Raises ApiError for a bad name.

        To invoke a function of another account ``call`` is made one to that account: who authorises must see to it.
        """
        if action in _OPEN_TO_OTHERS:
            call.account = names.owner(call, params["FunctionName"])
        iam_action = "lambda:" + _IAM_ACTIONS.get(action, action)
        if "EventSourceMapping" in action:
            return event_source_mappings.targets(call, action, params)
        if action in _ACCOUNT_WIDE:
            return [(iam_action, "*")]
        if "LayerName" in params:
            return [(iam_action, layers.parse(call, params["LayerName"], params.get("VersionNumber", 0)).arn)]
        if action == "GetLayerVersionByArn":
            return [(iam_action, params["Arn"])]
        reference = _reference(call, params)
        if reference is None:
            return [(iam_action, params.get("Resource") or params.get("ResourceArn") or "*")]
        pairs = [(iam_action, reference.arn)]
        if params.get("Role"):
            pairs.append(("iam:PassRole", params["Role"]))
        pairs += [("lambda:GetLayerVersion", arn) for arn in params.get("Layers") or ()]
        return pairs

    def facts(self, view: View, service: str, action: str, call: Call, params: Mapping[str, Any]) -> Facts:
        """What policies may ask about those. Good while the view is."""
        if "EventSourceMapping" in action:
            return MappingFacts(view, call, params)
        return FunctionFacts(view, _reference(call, params), params)

    def resource_policy(self, view: View, reference: Reference) -> str | None:
        """The policy document of a function, version or alias as JSON; None where it has none."""
        policy = permissions.resource_policy(view, reference)
        return None if policy is None else orjson.dumps(policy).decode()

    def begin(
        self, reference: Reference, payload: bytes, request_id: str, stream: ResponseStream | None = None
    ) -> asyncio.Future[Outcome]:
        """Invoke what the reference names; as on AWS it runs on when nobody waits any more. ``stream`` gets the response
        while it is made. Raises ApiError, now or in the future, where it cannot even begin.
        """
        with self._workings.store.view() as view:
            record = registry.version_to_run(view, reference, randomness.fraction())
        invocation = Invocation(request_id, payload, reference.arn, stream=stream)
        running = asyncio.ensure_future(self._workings.invoker.run(record, invocation))
        if stream is not None:
            running.add_done_callback(lambda _: stream.end())
        return running

    def download(self, request: HttpRequest) -> HttpResponse:
        """A function's zip, for the address that GetFunction gave out."""
        return self._workings.downloads.serve(request)

    async def _watch(self) -> None:
        while True:
            try:
                for key in self._workings.launcher.watches.look():
                    self._workings.pool.retire(*key)
            except Exception as error:
                _log.error("could not look for watched functions", error=error)
            await asyncio.sleep(LOOK_S)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            try:
                self._workings.pool.end_idle()
                self._workings.provisioner.wake()
                in_use = self._workings.pool.codes_in_use()
                await asyncio.to_thread(self._workings.launcher.remove_unused_code, in_use)
            except Exception as error:
                _log.error("could not tidy up after functions", error=error)


def _reference(call: Call, params: Mapping[str, Any]) -> names.Reference | None:
    """The function that a request is about: by its name, or by the ARN of what is tagged. Raises ApiError for a bad name."""
    if params.get("FunctionName"):
        return names.parse(call, params["FunctionName"], params.get("Qualifier"))
    arn = str(params.get("Resource") or params.get("ResourceArn") or "")
    return names.parse(call, arn) if ":function:" in arn else None
