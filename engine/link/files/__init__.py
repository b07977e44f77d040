"""The files of packages come into a staged prefix.

    jobs, linker, linked                                 packages in worker threads; one package; what became of it
    batch, hands                                         links by the thousand, and who makes them
    modes, check                                         hard link, reflink or copy; are the cached files sound
    special, placeholder, rewriting                      files whose content is changed for one prefix, and soft links
    launcher, mach_o, codesign                           what Windows and Apple Silicon need besides
    scripts                                              what packages run before and after
    settle                                               contested paths, put right at the end
    direct, making, relocate                             out of an archive, or out of another environment

Start at `jobs.Jobs`, then `linker.PackageLinker`.
"""
