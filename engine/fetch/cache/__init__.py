"""The package cache on disk, laid out as conda and mamba have it.

    marker, partial, entry_lock, hard_links   what makes an entry complete, how far one came, whose it is now
    bytecode, kept_plans                      what later environments need not do again
    clean                                     what can go

Start at `package_cache.PackageCache`.
"""
