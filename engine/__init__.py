"""whipsnake's engine: the map of the house.

How a request becomes an environment, and where each step lives. Folders stand in the order data flows.

    1. cli.py                  argv → a command of `engine.commands`, its exit code; its errors are shown in one place
    2. engine.config           files, environment and options → one frozen `Config`
       engine.machine          what this machine is: platform, virtual packages
       engine.specfile         environment.yml, @EXPLICIT and lists of specs; with the words: `engine.inputs`
    3. engine.install          THE FLOW: request → plan → (the caller agrees) → environment
       engine.planning         what to do: index, solver, transaction
       engine.delivery         doing it: packages are fetched while others are linked
    4. engine.fetch.load       a channel's subdirs → rows by name, decoded when asked for: whole indexes or shards
    5. engine.solve            specs and rows → `Solution`; installed and solution → `Transaction`
    6. engine.fetch.package    download → verify → extract, overlapped → `CachedPackage`
       engine.fetch.unpackers  who extracts: threads, or processes beside them
    7. engine.link             cached packages → a staged prefix → one rename (or a journal of renames)
    8. engine.ui               events and results → what people see

The words all of them share are in `engine.model` (pure values: versions, specs, channels, records) and
`engine.errors`; what passes between the flow and the commands is in `engine.request`, what the engine reports while
it works in `engine.events`; `engine.flow` holds the only helpers for many tasks at once. `engine.bulk` is the flow
for many environments in one run. Beside the flow: `engine.query` (who needs whom), `engine.shell` (a prefix → shell
code), `engine.menu` (menu entries), `engine.environments` (which there are), `engine.pip` and `engine.pypi` (what is
not from conda), `engine.settings` (`Config` → what each part needs of it).

What may know what (kept by import-linter, see pyproject.toml):

    cli → commands → ui, bulk, install → { solve, fetch, link } → flow, events → model → errors

* `model` and `solve` are sans-I/O: no file, clock, socket, environment variable or event loop.
* `fetch.archive`, `link.plan`, `link.placeholder` and the dialects of `shell` are pure functions too.
* `fetch.http_client` alone imports aiohttp. `config` alone reads environment variables (and is handed them).
* `fetch` and `link` meet only in the flow, through values of `model`.
"""
