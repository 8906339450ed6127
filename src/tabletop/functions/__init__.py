"""Lambda: functions, and their code run for real in processes of this machine, without containers.

The nouns. A *function* has *versions*, of which ``$LATEST`` can be changed; a version's *record* is its configuration
in the store, and its code is there too, by content. A *sandbox* is one process of one version with its own Runtime API,
log stream, temporary folder and credentials; it runs one *event* at a time and is kept warm. An *ending* is how a
sandbox's initialisation or invocation ended; an *outcome* is what Invoke answers of it.

Reading order: ``service`` (what the server wires), ``operations`` (the API actions), ``registry`` (what is stored),
``attachments`` (what hangs on functions), ``layers``, ``invocations`` (one event, from START to REPORT),
``throttle``, ``pool``, ``provisioning``, ``launcher``, ``sandbox``, ``runtime_api``,
``response_streams``, ``extensions_api``, ``journal`` (its log), ``processes``, ``enclosures`` (isolation),
``interpreters`` (which program runs which runtime), ``sdks``, ``packages`` (zips), ``watching`` (code from a folder),
``event_queue`` (asynchronous invocations), ``destinations`` (where records of them go), ``urls``,
``event_sources`` (what DynamoDB's streams trigger), ``bootstraps`` (programs that run in the sandbox).

Invariants. A sandbox runs one edition (one revision of one version) only. It never outlives its credentials. It ends
with everything it started. Nothing of the server's own environment reaches it. The event loop never waits for a
process to start, for a zip to unpack or for a file.
"""

from tabletop.functions.limits import Settings
from tabletop.functions.service import Functions

__all__ = ["Functions", "Settings"]
