"""A town of athletes: who they are, how they train, what their devices record, and what goes wrong on the way.

Pure and seeded: no client and no clock. The same configuration gives the same bytes. See docs/input.md.
"""
