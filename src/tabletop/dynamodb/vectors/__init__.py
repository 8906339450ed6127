"""Vector indexes: the items whose vectors lie nearest to a given one, found by looking at every vector.

A *vector* is a list of numbers in an item's vector attribute; the index keeps it packed (``packing``) in a *row* below
the hash of its partition (the search schema's HASH attribute; without one the index is a single partition). A row also
holds the values of the INLINE_FILTER attributes, so that a search reads nothing else of the items that it passes over.
What a result shows is projected from the item itself, which is there in the same view: nothing is kept twice.

    VECTOR | table:4 | index:2 | [hash:16] | the item's own hash and sort key     components, and JSON of the filters

Rows, counters and items change in one batch, so a search is never behind (AWS's are, for moments), and it is exact:
AWS searches approximately. The price is time that is linear in the partition's vectors, spent in bounded steps
(``tabletop.dynamodb.stepwise``) between which other requests are answered.

Reading order: ``definitions`` and ``changes`` (CreateTable, UpdateTable), ``description``; ``packing``, ``rows`` (what
the one write path and the backfill keep), ``distances``, ``search``.

Source of limits and words: the service model's documentation, the developer guide's pages on vector search, and AWS's
own published notes for agents; what is marked inferred was found in none of them.
"""
