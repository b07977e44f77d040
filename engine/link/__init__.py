"""Files out: cached packages → an environment.

    request     what is asked, what was done              plan, claims, settle   who puts what where, and who wins
    create      a new prefix: staged, one rename          package                one package, one job in one thread
    change      an existing one: staged, journalled       placeholder, noarch, entry_points, launcher, paths_json
    remove      a whole one                               pyc, scripts, codesign, modes
    recover     after a crash                             records, history, registry, prefix   what is on disk
    apply       the work that making and changing share   staging, journal, lock, disk, difference, restore
    batch       links by the thousand; hands: by whom      compiling, kind   byte code: made once, shared
                                                          check, linked, needs

Start at `create.create_prefix`, then `apply.Filling`, then `package.PackageLinker`.
"""
