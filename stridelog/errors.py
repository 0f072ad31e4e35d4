"""Errors that a person reads."""


class UserError(Exception):
    """A mistake of the user's or of the machine's set-up: one line that names the thing, its value and what to do next.

    The command line prints it on stderr and exits with 2, without a stack trace.
    """
