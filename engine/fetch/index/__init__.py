"""The index of each subdir, from a server or its cache, as rows by name that are decoded when asked for.

    load                                        all subdirs of all channels, at once
    repodata, repodata_stream, repodata_cache   whole indexes
    shard_walk, shard_index, shard_cache        sharded ones (CEP 16)
    index_file, file_pages                      where in a file each name's records are
    cached_names                                names for suggestions, from what is there

Start at `load`.
"""
