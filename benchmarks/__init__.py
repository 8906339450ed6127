"""Benchmarks: `make bench` prints what this machine does, and writes it to .bench/ as JSON.

``figures``   what is measured; ``servers`` starts and ends what is measured; ``load`` drives it (wrk);
``compare``   Tabletop beside its peers: the same data, the same load, the same core
``torture``   kills a server again and again, and proves that nothing acknowledged is lost
"""
