"""PartiQL: SELECT, INSERT, UPDATE, DELETE and EXISTS, lowered to the trees, ranges and writes that everything else uses.

The nouns. A *statement* (``tree``) is what was written; it depends on the text alone, and is kept. *Bound*, it knows the
values of its parameters (``binding``). *Lowered*, with the table at hand, it is a ``Selection`` (``selects``: ranges for
``read.read_page``) or a ``Write`` (``writes``: for ``write.apply``). There is no second evaluator and no second write path:
a WHERE clause is a tree of ``expressions.tree``, an UPDATE's clauses are its actions.

Reading order: ``tree``, ``lexer``, ``words``, ``cursor``, ``operands``, ``conditions``, ``assignments`` and ``grammar`` (text
to statement), ``binding``, ``wheres`` (what a WHERE clause asks of the keys), ``ranges``, ``columns``, ``selects`` and ``pages``,
``writes``, ``overlay`` (a batch's writes in their order), ``targets`` (what policies must allow).

Sources: AWS's developer guide ("PartiQL - a SQL-compatible query language for Amazon DynamoDB") and answers that clients
recorded; ``errors`` marks how well each message is known. Whatever text arrives, the result is an
ApiError or an answer.
"""
