"""DynamoDB: tables, items, indexes, expressions, over the store.

The nouns. An *attribute value* is the dict that goes on the wire (``{"S": "x"}``, ``{"N": "1"}``, ``{"M": {...}}``):
validated and in canonical form once, on the way in, and never converted after. An *item* is a dict of attribute
names to attribute values; stored, it is a 4-byte size and its JSON. A *table* (``schema.Table``) is the compiled form
of the table's record in the catalog. An *entry* is what an index holds for an item.

Reading order: ``schema`` and ``keys`` (what a table is, where its data lies), ``values``, ``numbers``, ``sizes``,
``expressions`` (and ``legacy``, which lowers the old parameters to the same trees), ``indexes``, ``write`` (the one write
path), ``changes`` and ``streams`` (what a write leaves for those who follow it), ``read``, ``selection`` and ``key_spans``
(the one range-read path), ``operations`` (one file per API action, listed in ``actions``), ``partiql``, ``catalog``, ``bulk``,
``constraints`` (requests against AWS's model; ``item_members`` and ``validation_layers``: in whose words),
``touches`` and ``facts`` (what policies may ask about a request), ``background`` (TTL, backfill, retention, clearing of
dropped tables), ``checker`` (proves the data whole).
"""
