"""whipsnake's engine: the map of the house.

How a request becomes an environment, and where each step lives. Folders stand in the order data flows.

    1. cli.py                  argv → a command of `engine.commands`, its exit code, the one place that shows errors
    2. engine.config           files, environment and options → one frozen `Config`
       engine.machine          what this machine is: platform, virtual packages
       engine.specfile         environment.yml, @EXPLICIT and lists of specs → what they ask for
    3. engine.install          THE FLOW: request → repodata → solve → transaction → packages → prefix
    4. engine.fetch.load       channels → the rows of each subdir, whole or in shards: by name, decoded when asked for
    5. engine.solve            specs and rows → `Solution`; installed and solution → `Transaction`
    6. engine.fetch.package    download → verify → extract, overlapped → `CachedPackage`
    7. engine.link             cached packages → a staged prefix → one rename (or a journal of renames)
    8. engine.ui               events and results → what people see

Questions that change nothing are answered beside it: `engine.query` (search, dependencies, chains of needs) and
`engine.solve.why`; `engine.export` writes what an environment holds as a file.

The words all of them share are in `engine.model` (pure values: versions, specs, channels, records) and
`engine.errors`; `engine.events` is what the engine reports while it works; `engine.flow` holds the only helpers
for many tasks at once; `engine.shell` turns a prefix into shell code.

What may know what (kept by import-linter, see pyproject.toml):

    cli → commands → ui, install → { solve, fetch, link } → flow, events → model → errors

* `model` and `solve` are sans-I/O: no file, clock, socket, environment variable or event loop.
* `fetch.archive`, `link.plan`, `link.placeholder` and `shell.emit` are pure functions too.
* `fetch.http` alone imports aiohttp. `config` alone reads environment variables (and is handed them).
* `fetch` and `link` meet only in `install`, through values of `model`.
"""
