"""What is in an environment, on disk (CEP 32).

    meta, records, removed, history, registry   what is written down of it
    file_lists                                  what records say of files
    lock, in_use                                who is at it now
    disk                                        small deeds in it
    untracked                                   files of no package

Start at `present.read_prefix`.
"""
