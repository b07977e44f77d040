"""From a request to a plan.

    planner                  index, solver, transaction
    solving, pins, earlier   what the solver is told: by the configuration, by pins, by what was asked for before
    local_rows, going_back   packages given by address; those of an earlier revision
    origins                  which channel installed packages belong to, if theirs has moved
    settled                  nothing to do, seen without an index
    holding, noting          why something stays older; who asked for what

Rule: nothing here changes an environment. Start at `planner.Planner`.
"""
