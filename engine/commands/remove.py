"""``remove``: packages out of an environment, with what needs them; or, with ``--all``, all of them.

The environment itself stays, with what the user put there, as in micromamba; ``env remove`` removes it.
"""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace

from engine.commands.app import App
from engine.commands.asking import given_words
from engine.commands.change import Session
from engine.commands.install import nothing_to_do
from engine.commands.options import add_flag, add_general_options, add_link_options, add_prefix_options, add_switch
from engine.environment.environments import existing_prefix
from engine.errors import UsageError
from engine.link.prefix.present import read_prefix
from engine.model.match_spec import MatchSpec
from engine.request import InstallRequest

OPTIONS = {"use_target_prefix_fallback": True}


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options, and conda's ``--keep-env``."""
    parser.add_argument("specs", nargs="*", metavar="SPECS", help="what to remove")
    group = parser.add_argument_group("remove options")
    add_flag(group, "-a", "--all", dest="remove_all", help="remove all packages; the environment stays, empty")
    add_flag(group, "--keep-env", dest="ignored", help=SUPPRESS)  # conda's, for what is the case anyway
    add_flag(group, "-f", "--force", dest="force", help="remove just these, even if others need them")
    add_switch(
        group, ["--prune-deps"], ["--no-prune-deps"], dest="prune_deps", help="remove what nobody needs any more too"
    )
    add_general_options(parser)
    add_prefix_options(parser)
    add_link_options(parser)


def run(args: Namespace, app: App) -> int:
    """Remove."""
    asked = vars(args)
    args.specs = given_words(args)
    prefix = existing_prefix(app.config, app.out.warning)
    if asked.get("remove_all") and args.specs:
        raise UsageError("Either name packages to remove, or remove all of them with --all.")
    specs = _specs(prefix, args, app)
    if not specs:
        return nothing_to_do(app, "" if args.specs or asked.get("remove_all") else " (Name packages, or use --all.)")
    session = Session(app)
    session.run(_request(prefix, specs, args, app))
    session.last_line()
    return 0


def _specs(prefix: str, args: Namespace, app: App) -> tuple[MatchSpec, ...]:
    """What is to go, as far as it is there: what is not is told, and no mistake (micromamba's rule)."""
    installed = read_prefix(prefix).records
    texts = [record.name for record in installed] if vars(args).get("remove_all") else args.specs
    specs = tuple(dict.fromkeys(map(MatchSpec.parse, texts)))
    there = tuple(spec for spec in specs if any(map(spec.matches, installed)))
    missing = ", ".join(str(spec) for spec in specs if spec not in there)
    if missing:
        app.out.warning(f"Not installed in {prefix}, so not removed: {missing}")
    return there


def _request(prefix: str, specs: tuple[MatchSpec, ...], args: Namespace, app: App) -> InstallRequest:
    asked = vars(args)
    return InstallRequest(
        mode="remove",
        prefix=prefix,
        remove=specs,
        force=bool(asked.get("force")),
        prune=bool(asked.get("prune_deps", True)),
        command=app.command,
    )
