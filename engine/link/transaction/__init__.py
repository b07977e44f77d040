"""Changes of an environment that happen whole or not at all.

    create, change, remove, moving   what is done
    apply                            the filling that the first two share
    staging, exchange, vanish        one rename makes it appear, change places or disappear
    difference, journal, restore     an existing one changes by renames that were written down before
    recover                          heals what a crash cut short
    menus                            menu entries that come and go

Start at `create.create_prefix` or `change.change_prefix`.
"""
