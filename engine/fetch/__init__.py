"""Bytes in: channels → an index in memory, records → packages in the cache.

    index      the index of each subdir, whole or in shards, and its cache
    packages   records in, cached packages out: all at once, overlapped
    cache      the package cache on disk, shared with conda and mamba
    archive    what a package archive is made of, and how its files come out
    http       servers: connections, credentials, proxies, mirrors, retries

What is not verified is hostile: servers, indexes, archives, and what lies in a cache.
"""
