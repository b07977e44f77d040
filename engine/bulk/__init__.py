"""Many environments in one run: what all of them ask for is done once, and each comes out whole or not at all.

    manifest   a YAML list of environments → `Entry`          sources   folders, files, standard input → `Entry`
    orders     `Entry` → `Order`: specs, place, channels, and a digest of all that
    mark       the digest beside what an environment was then          judging   what is to be done for an order
    run        THE FLOW: load the indexes once, start the workers, execute the course
    indexes    every channel's index, loaded once for all
    course     one task for each environment, from its order to its `Result` (`results`)
    solving    an order and the loaded rows → the packages of an environment
    supply     the union of all packages: each is fetched, checked and unpacked once
    delivering the packages of one environment → the worker that makes it
    slots      who works for whom next
    crew       starts the workers, gives them work, hears what they say (`messages` over a `wire`)
    worker     solves and makes, in a process of its own where that can be; `telling` is what it says meanwhile
    making     packages → an environment, its pip part, its mark
    report     results → JSON (as text: `engine.ui.bulk_text`)

The flow for one environment is `engine.install`; what it is made of is used here too:
`engine.planning.planner.Planner`, `engine.fetch.packages.prepare.prepare`,
`engine.link.transaction.create.create_prefix`.
"""
