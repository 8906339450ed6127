"""What every operation works with: one object, made once by ``Functions``."""

from __future__ import annotations

from dataclasses import dataclass

from tabletop.base.clock import Clock
from tabletop.functions.downloads import Downloads
from tabletop.functions.event_queue import EventQueue
from tabletop.functions.event_sources.service import EventSources
from tabletop.functions.invocations import Invoker
from tabletop.functions.launcher import Launcher
from tabletop.functions.limits import Settings
from tabletop.functions.pool import Pool
from tabletop.functions.ports import Roles
from tabletop.functions.provisioning import Provisioner
from tabletop.storage.store import Store


@dataclass(frozen=True, slots=True)
class Workings:
    store: Store
    roles: Roles
    clock: Clock
    settings: Settings
    launcher: Launcher
    pool: Pool
    invoker: Invoker
    events: EventQueue
    event_sources: EventSources
    provisioner: Provisioner
    downloads: Downloads
