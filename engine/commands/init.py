"""``init``, and ``shell init``, ``deinit``, ``reinit``: the start-up files of shells."""

from __future__ import annotations

import errno
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options, add_prefix_options
from engine.commands.shell import add_shell_options, chosen_shell, this_program
from engine.errors import ExitCode, StorageError
from engine.shell import init
from engine.shell.dialect import SHELLS
from engine.shell.root_files import remove_files, root_files, write_files

if TYPE_CHECKING:
    from engine.commands.app import App


def arguments(parser: ArgumentParser) -> None:
    """As `shell init` of micromamba; of old, ``-p`` names the root prefix too."""
    parser.add_argument("place", nargs="?", metavar="ROOT_PREFIX", help="where envs/ and pkgs/ are; or a shell")
    add_shell_options(parser)
    add_general_options(parser)
    add_prefix_options(parser)


def run(args: Namespace, app: App) -> int:
    """Initialise one shell."""
    return change_files(args, app, "init")


def change_files(args: Namespace, app: App, action: str) -> int:
    """Put our block in (init), take it out (deinit), or renew it wherever it is (reinit)."""
    if args.place in SHELLS and not args.shell:
        # What conda means by `init bash`; a directory of that name has to be written ./bash.
        args.shell, args.place = args.place, None
    root = args.place or app.options.pop("target_prefix", None)
    if root and root != "base":
        app.options["root_prefix"] = root
    shells = _initialised(app) if action == "reinit" and not args.shell else [chosen_shell(args, app)]
    changes = [_plan(args, app, action, shell) for shell in shells]
    for shell, change in zip(shells, changes, strict=True):
        _carry_out(args, app, action, shell, change)
    app.out.result(
        success=True,
        operation=f"shell_{action}",
        dry_run=app.config.dry_run,
        root_prefix=app.config.root_prefix,
        files=[change.path for change in changes if change.before != change.after],
    )
    return ExitCode.OK


def _initialised(app: App) -> list[str]:
    """The shells whose start-up file has our block. PowerShell and cmd.exe have to be named."""
    shells = [shell for shell in init.INITIALISABLE if shell not in ("powershell", "tcsh") and not _is_cmd(shell)]
    return [shell for shell in shells if init.is_initialised(shell, _rc_file(app, shell))]


def _is_cmd(shell: str) -> bool:
    return shell in ("cmd", "cmd.exe")


def _rc_file(app: App, shell: str) -> str:
    return init.rc_file(shell, app.config.home, app.environ)


def _plan(args: Namespace, app: App, action: str, shell: str) -> init.RcChange:
    if _is_cmd(shell):
        from engine.shell.autorun import plan_autorun

        return plan_autorun(None if action == "deinit" else this_program(args, app, shell))
    path = _rc_file(app, shell)
    if action == "deinit":
        return init.plan_deinit(shell, path)
    return init.plan_init(shell, path, this_program(args, app, shell))


def _is_shared(app: App, shell: str) -> bool:
    """Whether another shell that is initialised reads the same files: bash and zsh do."""
    kin = {"bash": "zsh", "zsh": "bash"}.get(shell)
    return kin is not None and init.is_initialised(kin, _rc_file(app, kin))


def _prepare_root(app: App) -> None:
    """A root prefix that others look after may be read-only; the shell is made ready all the same."""
    try:
        init.prepare_root(app.config.root_prefix)
    except StorageError as error:
        if getattr(error.__cause__, "errno", None) not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        app.out.warning(error.message)


def _carry_out(args: Namespace, app: App, action: str, shell: str, change: init.RcChange) -> None:
    would = app.config.dry_run
    if not would:
        files = root_files(this_program(args, app, shell))
        if action != "deinit":
            _prepare_root(app)
            write_files(app.config.root_prefix, files, app.out.warning)
        change.write()
        if action == "deinit" and not _is_shared(app, shell):
            remove_files(app.config.root_prefix, files, app.out.warning)
    if change.before == change.after:
        app.out.line(f"{change.path}: nothing to do.")
    elif action == "deinit":
        app.out.line(f"{change.path}: {'would remove' if would else 'removed'} the block for {shell}.")
    else:
        app.out.line(f"{change.path}: {'would write' if would else 'wrote'} for {shell}:\n\n{change.block}")
        if not would:
            app.out.line("It takes effect in new shells.")
