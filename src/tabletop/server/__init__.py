"""Sockets and processes: the floor that wires everything and knows nothing of any service.

Reading order:

``main``           from settings to a running server and its orderly end; ``build`` wires store, services and gateway
``listener``       ``listen(handler, host, port)``: where clients connect; ``sockets`` opens ports, ``tls`` certificates
``http_protocol``  one connection: requests in order to the handler, answers in order to the client; the hot path
``http_reader``    its reading half: bytes -> ``HttpRequest``, and a request's bounds
``http_plain``     the plain request, which nearly every one is, taken apart without the parser
``http_answers``   responses as bytes, and the refusals that the server gives by itself; ``http_stream`` for open ends
``connections``    what the connections of a listener share: time limits, bounds, the Date line
``workers``        the parent of worker processes; ``worker`` is what they run, ``relay`` their way to the parent
``state``          what a running server tells ``tabletop status`` and ``tabletop stop``
"""
