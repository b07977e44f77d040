"""The vocabulary of the tests, the demo and the benchmarks: packages, channels, servers, trees, universes.

Everything here makes the real thing: true archives, a channel directory that any conda tool can use, an HTTP server
on a socket, an interpreter that starts. Nothing here imports `engine`, save `universe`, whose rows are the engine's.
"""
