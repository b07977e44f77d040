"""Whole packages come into a staged prefix.

    jobs, linker        packages in worker threads; one package
    check               are its cached files sound
    rewriting           files whose content is changed, with their digests
    codesign            what Apple Silicon wants of these
    scripts             what packages run before and after
    settle              contested paths, put right at the end
    direct, making      out of an archive, without a cache
    relocate            out of another environment

Start at `jobs.Jobs`, then `linker.PackageLinker`.
"""
