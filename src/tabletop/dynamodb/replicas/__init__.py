"""Global tables (version 2019.11.21): tables of one name in several regions that hold the same items.

The nouns. A *replica* is a table like any other: its own record, number, items, indexes, stream, tags and policy, in its
region. Its *global table* has no record of its own; each replica's record names the others, and only plans that change all
these records at once change who belongs to it:

    replicas   [{"account", "region", "source", "created"}, ...]: the other replicas, in the order in which this one saw them
               come. ``source`` is the region that the replica was made from (null for the first), ``created`` epoch seconds.
               One that has been removed stays, with "gone" (epoch seconds), as long as it shows DELETING
    group      {"consistency": "EVENTUAL" | "STRONG", "witness": region or null, "source": region this one was made from, or
               null, "protected": whether it may not be disassociated}

A table alone has neither. A replica whose record has the status CREATING is being filled: it takes the writes of the
others, and is closed to requests of its own.

Invariants, which ``checker`` proves: replicas name each other; they have the same seed, so that an item has the same key
in all of them but for the table's number, and the same indexes under the same numbers; they hold the same items, and
one that is being filled holds none that its source has not.

How writes travel: they do not. All regions are one store with one committer, so ``write`` puts an item into every
replica in one batch: no replica is ever behind, which is what STRONG asks for and more than EVENTUAL promises, and the
last writer wins because there is an order of writers. ReplicatedWriteConflictException is therefore never seen.

Reading order: ``requests`` (what UpdateTable asks for), ``groups`` (the records of one global table), ``membership`` and
``making`` (replicas come, change and go), ``overrides``, ``copying`` (a new replica is filled), ``settings`` (what one table's
change means for the others), ``group_settings``, ``descriptions``, ``scaling``, ``checker``; ``regions`` is data, ``legacy``
the refusals of version 2017.11.29.
"""
