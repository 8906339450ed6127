"""Event source mappings: changes of a DynamoDB stream, delivered to a function in batches, in order, at least once.

The nouns. A *mapping* (``mappings``) ties a stream to a function; its *rules* (``rules``) say how batches are made and
what becomes of those that fail. A *change* is one record of the stream as the function will see it (``events``). Each of a
stream's four slices is read by one *reader* (``reader``), through its shards in order, parents before children. The reader
deals the changes that pass the *filter* (``patterns``) out to as many *lanes* (``lanes``) as the parallelisation factor
says, by item, so that an item's changes stay in one lane and in order. A lane gathers a *batch*, tries it, splits it, tries
again or gives it up; it is a pure state machine with the time handed in. A *checkpoint* (``mappings``) tells for each
lane of a slice up to where all is done, and the state of its tumbling window.

Reading order: ``rules``, ``lanes``, ``responses``, ``patterns``, ``events``, ``reader``, ``delivery`` (one batch, from
the function's call to the checkpoint), ``runner`` (one mapping at work), ``failures`` (what is reported of what was given
up), ``service`` (all mappings; how a write in another process is noticed).

Invariants. A lane has one batch under way at most. Its checkpoint moves on only after the function has succeeded with
what lies before, or that was filtered out, or was given up and reported to the on-failure destination; the next batch begins
when the checkpoint is durable. What stands in the way of delivery is in LastProcessingResult and in the log.
"""
