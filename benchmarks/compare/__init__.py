"""Tabletop beside its peers: the same data, the same load, the same core, one run.

``peers``      who takes part, how each is installed and started
``workloads``  the table, its data, and every operation as request bodies
``signing``    bodies -> whole HTTP requests with valid signatures, made before the load runs
``load``       wrk with those requests, and what the server's processes cost meanwhile
``limits``     what bounds us: the same HTTP stack with a constant answer, and the bare store
``report``     the table, the JSON and the plots
"""
