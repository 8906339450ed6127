"""Is what concurrent clients saw possible, if every request took effect at one instant between its sending and its answer?

    python -m benchmarks.linearizability --rounds 50 --workers 2

``histories``  what was asked and answered, with times; an answer that never came may have taken effect, or not
``model``      the rules: a handful of items, conditional puts, counters, transactions over several items and tables
``checker``    Wing and Gong's search with Lowe's memory of visited states, as porcupine has it
``clients``    threads that drive a real server and record

Several items and tables are one state here, so what is checked of transactions is strict serialisability.
"""
