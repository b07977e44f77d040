"""Files out: cached packages → an environment.

Each part knows only those above it:

    plan          what one package puts where, and who wins where two want the same path
    request       what is asked, what was done
    files         how single files come into a prefix: links by the thousand, copies, changed content
    linked        what became of one package
    prefix        what is in an environment: records, history, locks
    bytecode      Python's byte code: made once, shared by all environments
    reuse         plans that serve the next environment too
    packages      whole packages come into a staged prefix, in worker threads
    transaction   the old state or the new one, at any instant: staging, one rename or a journal, healing

Start at `transaction.create.create_prefix`, then `transaction.apply.Filling`, `packages.jobs.Jobs`, `packages.linker`.
"""
