"""The contenders of ``stridelog bench transport``: each module (and the Java in ``jvm/``) is a program that reads one
topic, does the job once, and prints one line of JSON. Those of other projects run in environments of their own, so
these modules import nothing of Stridelog but each other.
"""
