"""CloudWatch Logs Insights: queries over the events of log groups.

The nouns. A *query* is a text of *commands* with bars between them; ``query`` makes *stages* of it, each of which takes
*rows* and gives rows on. A row is a dict from *fields* to values: texts, numbers, ``values.Moment``.

Reading order: ``tokens`` and ``expressions`` (with ``functions``, ``values`` and ``regex``), ``stages`` and
``aggregates`` (what the commands do), ``query`` (from a text to stages), ``discovery`` (the fields of an event),
``runs`` (queries as they are kept, and every plan that changes them), ``runner`` (runs them, a bounded chunk of events
from a view of its own at a time), ``results`` (the operations that read), ``definitions`` (queries kept under names).

Invariants: nothing but ``tokens.malformed`` leaves the compilation of any text; a query that was begun and not ended is
begun anew after a restart; results go a week after their query.
"""
