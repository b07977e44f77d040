"""Records in, cached packages out.

    prepare, order           what is fetched when; settings: how; grouping: what together
    beginning                what can be done of a package without the network
    download                 one archive from afar, gone on with where it stopped
    unpackers, hands, hand   who unpacks: threads, or processes beside them (this side, and theirs)
    unpack                   one package, from its bytes to its place in the cache
    direct, spooled          archives that are kept until somebody makes their files

Start at `prepare.prepare`; `direct` is its like for direct mode.
"""
