"""The same random requests to Tabletop and to a second implementation, dynalite; every difference must be explained.

    npm install --prefix .bench/dynalite dynalite
    python -m benchmarks.differential --requests 100000

A *chapter* is one random table, filled and asked by a bounded number of requests, right ones and wrong ones, and dropped. A
*difference* is a request whose answers differ after `answers.normal`, which takes away what the API leaves open (order of
partitions, times, identifiers). A *known* difference is an entry of the table in `known`: who is right, and the source. A
difference that no entry explains makes the command exit with 1, with the shortest request that showed it.

Both servers are judged: agreement of the two is no proof, which is why `tests/conformance` exists; disagreement is a question
that somebody has to answer. What dynalite does not have (transactions, PartiQL, streams, expiry) is left out.

Read in this order: `chapters` (what a run does), `operations`, `wrong`, `answers`, `known` (and its tables, `known_results`
and `known_refusals`).
"""
