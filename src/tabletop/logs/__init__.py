"""CloudWatch Logs: groups, streams and events over the store.

The nouns. A *group* holds streams, tags and a retention; a *stream* holds events; an *event* is a timestamp
(milliseconds), an ingestion time and a message. A *position* (``keys.Position``) is a timestamp and a sequence number
that the group counts up with every event, so that positions order all events of a group, across its streams: by
time, then by arrival. Every page token, and every event's id, is a position.

Reading order: ``keys`` (where everything lies), ``records`` (groups and streams as they are kept), ``groups``,
``streams``, ``tags`` (the operations on them), ``write`` (the one way in for events), ``read`` (GetLogEvents),
``search`` (FilterLogEvents) with ``pattern`` (the filter pattern language: ``terms``, ``selectors``, ``fields`` over
``scanner``, ``comparison`` and ``regex``), ``subscriptions`` (who gets a group's new events), ``parcels`` and
``delivery`` (how), ``live_tail``, ``metric_filters`` and ``resource_policies`` (kept only), ``insights`` (queries: a
package with a chapter of its own), ``background`` (retention, and the clearing of what was deleted, in bounded
steps), ``targets`` and ``facts`` (what a call needs permission for, and what policies may ask), ``service`` (the
operation table, and ``Logs``, which the layers above use).

Invariants: a number of a group, or of a stream in its group, is never used again, so that what a deleted one leaves
behind can be cleared later; every stream has exactly one entry in the order of last events.
"""

from tabletop.logs.service import Logs

__all__ = ["Logs"]
