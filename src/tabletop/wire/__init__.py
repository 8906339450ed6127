"""AWS's wire protocols as pure functions between bytes and values: no sockets, no store, no clock.

The nouns. A *request* and a *response* are whole HTTP messages as plain values (``http``). A *model* is what AWS says
of a service: its operations and their *shapes* (``models``). *Parameters* are an operation's input, and an *output* is
its answer, by the model's member names and in Python's types: blobs are bytes, timestamps are seconds since the epoch.

Reading order: ``http``, ``models``, ``routing`` (which service), ``protocols`` (the door: decode a request, encode an
answer or an error), then one file per protocol: ``json_rpc``, ``query``, ``rest_json``, ``rest_xml`` (with ``rest``,
what the two share) and ``cbor``. Under them lie ``trees`` (typed trees, for ``json_values`` and ``cbor``),
``xml_values``, ``cbor_values``, ``scalars`` and ``timestamps``; ``faults`` says what an ApiError is on the wire.
``constraints`` (with ``patterns``) checks parameters; ``encodings``, ``checksums`` and ``eventstream`` are about bytes.

The invariant: whatever bytes arrive, what decodes them gives a result or raises ``ApiError``, nothing else.
"""
