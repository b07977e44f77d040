"""How the reader of a stream of bytes learns that no more will come.

Rule of this file: it imports nothing, since the processes that unpack (`engine.fetch.packages.hand`) need it and no
more of what downloads.
"""


class PipeBroken(Exception):
    """The other end of the pipe has left; never seen by users."""
