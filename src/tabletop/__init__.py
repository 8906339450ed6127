"""Tabletop: a DynamoDB that you own. DynamoDB, Lambda and IAM behind one endpoint.

The packages are layers; imports point downwards only (``tests/test_layers.py`` holds the ranks). A reader who
follows one request goes ``server`` (sockets) -> ``gateway`` (one straight function) -> ``dynamodb`` (the operation)
-> ``storage`` (plan, then commit). ARCHITECTURE.md walks a PutItem through them.
"""

__version__ = "0.1.0"
