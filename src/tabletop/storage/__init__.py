"""Ordered bytes -> bytes, durable: every change is a plan, and one committer makes groups of plans durable at once.

Reading order: ``store`` (the nouns: View, Batch, Plan, Store), ``committer`` (group commit), ``engine`` (LMDB, opened by
``environment``), ``recovery`` (what it does after a commit that failed), ``failures`` (how a store that takes no writes
says so), ``documents`` (JSON documents over it, for the services whose data is small), ``format`` (what a data directory
holds, its version and its lock), ``prefixes`` (who owns which first byte), ``compaction``, ``checker``.

Invariants: a plan sees every plan committed before it; a batch is stored whole or not at all; an answer is given
only when the batch is durable (or the store was opened without durability); views never wait for the writer.
"""
