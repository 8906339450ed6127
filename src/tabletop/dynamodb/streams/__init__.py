"""DynamoDB Streams: the change log of a table, cut into shards, for a day.

The nouns. A *stream* (``records``) is what one switching-on of a table's StreamSpecification made: it has a label, a
number of its own that names its keys, and outlives the switching-off, and the table, by a day. A *change* (``changes``
beside this package) is one stored record. A *slice* is one of four equal ranges of the partition key's hash. A *generation*
is the four shards, one for each slice, that are open for four hours; then the next generation opens, each shard the
child of the one before it in its slice (``shards``). An *iterator* (``iterators``) is a place in a shard, as an opaque string.

The invariants. A stream's sequence numbers are drawn from one counter inside the plan that writes the item, so they follow
the order of commits; all changes of an item lie in one slice. A shard is closed by a stored fact, never by a reading
of the clock: no change can still come to a shard that a reader saw closed. What is trimmed is noted, so that a reader
who comes too late is told, not served a gap.

Reading order: ``shards``, ``records``, ``changes``, ``iterators``, ``reading``, ``retention``, ``checker``.
"""
