"""whipsnake's engine: the map of the house.

How a request becomes an environment, and where each step lives. Folders stand in the order data flows; each says in
its ``__init__`` what is in it and where to start.

    1. cli.py                  argv → a command of `engine.commands`, its exit code; errors are shown in one place
       whipsnake.py            the same as it is installed, under a name that nobody else's module has
    2. engine.config           files, environment and options → one frozen `Config`
       engine.specfile         environment.yml, @EXPLICIT and lists of specs; with the words: `engine.inputs`
    3. engine.install          THE FLOW: request → plan → (the caller agrees) → environment
    4. engine.planning         what to do: index, solver, transaction
    5. engine.fetch.index      a channel's subdirs → rows by name, decoded when asked for: whole indexes or shards
    6. engine.solve            specs and rows → `Solution`; installed and solution → `Transaction`
    7. engine.delivery         doing it: packages are fetched while others are linked
    8. engine.fetch.packages   download → verify → extract, overlapped → `CachedPackage`
    9. engine.link             cached packages → a staged prefix → one rename (or a journal of renames)
   10. engine.ui               events and results → what people see

The words all of them share are in `engine.model` (pure values: versions, specs, channels, records) and
`engine.errors`; what passes between the flow and the commands is in `engine.request`, what the engine reports while
it works in `engine.events`; `engine.flow` holds the only helpers for many tasks at once, `engine.settings` tells each
part what it needs of the `Config`. `engine.bulk` is the flow for many environments in one run. Beside the flow:
`engine.environment` (which there are, and each as a whole), `engine.query` (who needs whom), `engine.shell` (a prefix →
shell code), `engine.menu` (menu entries). Below all: `engine.system` (this machine, other processes).

What may know what (kept by import-linter, see pyproject.toml):

    cli → commands → ui → bulk → install → planning, delivery → config → { solve, fetch, link } → flow, events
        → system → model → errors
    fetch: index, packages → cache → archive → http

* `model` and `solve` are sans-I/O: no file, clock, socket, environment variable or event loop.
* `fetch.archive.members`, `link.plan.package_plan`, `link.files.placeholder` and the dialects of `shell` are pure
  functions too.
* `fetch.http.client` alone imports aiohttp. `config` alone reads environment variables (and is handed them).
* `fetch` and `link` meet only in the flow, through values of `model`.
"""
