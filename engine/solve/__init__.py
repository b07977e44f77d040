"""Which packages: a `SolveTask` in, the best `Solution` or an explanation out. No file, clock, loop or network.

task          what is asked, what is answered
request       the task digested: what is asked for, what stays, pins
missing       names and specs that nobody has, before any search
index         name → candidates, kept by rank (`candidates`);  ranking  which is best
matching      which ranks a spec matches (`fits`: one record)
packages      numbers, and clauses, each with its reason (`reasons`)
links         specs → literals: versions, conditions, groups of optional dependencies
clauses       records → clauses, when they are needed
trail         what is known of each package at any moment;  domains  clauses and their propagation
learning      what a conflict teaches
objective     "best", as questions in a strict order
search        the loop; asks `sat` (pycosat) where conflicts pile up
explain       few reasons (`shrinking`) → the shortest true story (`story`, `wording`), and what would work (`relax`)
order         link order;  transaction: installed and solution → changes
why           why an installed package is no newer, by solving again
run           all that, in its order;  again  other tasks on what was written down for one
solver        `solve`

What "best" means, and how it is found, is told in docs/solver.md.
"""
