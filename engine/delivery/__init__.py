"""From a plan to what is on disk: fetching and linking side by side.

    carry_out                   packages go from `engine.fetch` to `engine.link` as they become ready
    cacheless                   direct mode: without a package cache
    direct_hands, direct_hand   the processes that make its files: this side, and theirs

Start at `carry_out.carry_out`.
"""
