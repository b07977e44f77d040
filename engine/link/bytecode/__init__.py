"""Python's byte code: out of the cache where it is there, else made, kept and linked.

    compiling        what is to be done for each package
    compiler         processes that compile
    compiled, kind   what the cache has; which Pythons share it

Start at `compiling.Compiling`.
"""
