"""What size does to a server: the same operations over a large table and a small one, and the work that grows with a table.

``data``      the items, as DynamoDB JSON lines, and requests over them, as bytes for the load generator
``serving``   servers with their data directories, `tabletop import` into them, their memory
``figures``   operations: CPU time and latency over the large table against the small one
``beside``    what clients of one table notice while another is indexed, scanned, deleted
``shapes``    a hot key, items of 400 KB, one large partition, 20 indexes, 500 tables
"""
