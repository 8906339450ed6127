"""Fuzzing: whatever arrives, the answer is a result or an error of the API, within a second, in memory that does not grow.

    python -m benchmarks.fuzz [--inputs N] [--seed S] [--block B] [TARGET...]

A *target* makes inputs from a random source, half of them near to what is valid, and judges each: it names the kind of
answer, or raises. Inputs come in *blocks*, each with a world (tables, connections) and a random source of its own, so that
a finding is made again by its seed and block. At the end of a block the world's data is proved whole by its checker.

Reading order: ``run`` (the verdict), ``world``, ``mutations``, then the targets ``expressions``, ``partiql``, ``bodies``
and ``raw_http``. docs/FUZZING.md has the recorded runs.
"""
