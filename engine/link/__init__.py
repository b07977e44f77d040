"""Files out: cached packages → an environment.

    request       what is asked, what was done
    plan          what one package puts where, and who wins where two want the same path
    files         packages' files come into a staged prefix: links by the thousand, copies, rewritten files
    bytecode      Python's byte code: made once, shared by all environments
    prefix        what is in an environment: records, history, locks
    transaction   the old state or the new one, at any instant: staging, one rename or a journal, healing

Start at `transaction.create.create_prefix`, then `transaction.apply.Filling`, `files.jobs.Jobs`, `files.linker`.
"""
