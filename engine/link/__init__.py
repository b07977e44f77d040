"""Files out: cached packages → an environment.

    request     what is asked, what was done              plan, claims, settle   who puts what where, and who wins
    create      a new prefix: staged, one rename          package                one package
    change      an existing one: staged, journalled       placeholder, noarch, entry_points, launcher, paths_json
    remove      a whole one                               pyc, scripts, codesign, modes
    recover     after a crash                             records, history, registry, prefix   what is on disk
    apply       the work that making and changing share   staging, journal, lock, disk, difference, restore
    jobs        packages in worker threads                compiling, kind   byte code: made once, shared
    batch       links by the thousand; hands: by whom     compiled          byte code that is in the cache
                                                          check, linked, needs

Start at `create.create_prefix`, then `apply.Filling`, then `jobs.Jobs`, then `package.PackageLinker`.
"""
