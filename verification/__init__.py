"""What each store must hold, recomputed from the whole log in plain batch code, and compared with what it holds.

Nothing here is shared with agents, projections, the join or the sinks, beyond the messages (``schemas``), the formulas
(``domain``), the scorers (``models``) and names (tables, keys, topics): what is wrong there cannot be wrong here in the
same way. Sinks are asked for one thing, their watermarks.
"""
