"""Many environments in one run: what is asked for by all of them is done once, and each comes out whole or not at all.

    manifest   a YAML list of environments → `Entry`          sources   folders, files, standard input → `Entry`
    orders     `Entry` → `Order`: specs, place, channels, and a digest of all that
    mark       the digest beside what an environment was then: is it as asked, and untouched since?
    indexes    every channel's index, loaded once
    solving    an `Order` and the loaded rows → the packages of an environment
    making     packages → an environment, its pip part, its mark
    messages   what passes between the run and those who solve and link
    worker     who solves and links, in a process of its own where that can be
    crew       starts the workers, gives them work, hears what they say
    supply     the union of all packages: each is fetched, checked and unpacked once, and handed to all who wait
    run        THE FLOW: one task for each environment, from its order to its `Result`
    report     results → a table, lines and JSON

The flow for one environment is `engine.install`; what it is made of is used here too: `engine.planning.Planner`,
`engine.fetch.package.prepare`, `engine.link.create.create_prefix`.
"""
