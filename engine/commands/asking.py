"""From the arguments of a command to what is asked for, and the pip part that comes after it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from engine.commands.app import App
from engine.config import Config
from engine.config.channels import with_file_channels
from engine.config.prefixes import check_file_name, check_name, place_of, prefix_context
from engine.errors import HttpStatusError, WhipsnakeError
from engine.inputs import Asked, gather
from engine.model.channel import mask_secrets
from engine.specfile import PipPart

if TYPE_CHECKING:
    from engine.commands.change import Session
    from engine.environment.pip import PipRequest
    from engine.link.request import LinkRequest
    from engine.request import Outcome, Plan


def given_words(args: Namespace) -> list[str]:
    """The words behind the options. Empty ones (a script's ``install "$MORE"``) are none, as in micromamba."""
    return [word for word in args.specs if word]


def gather_asked(args: Namespace, app: App) -> Asked:
    """Read words and files; the channels of files become part of the configuration."""
    asked = gather(
        given_words(args),
        vars(args).get("file_specs") or (),
        app.config,
        app.environ,
        lambda url: fetch_file(url, app),
        categories=vars(args).get("categories") or ("main",),
    )
    for notice in asked.notices:
        app.out.warning(notice)
    app.reconfigure(with_file_channels(app.config, asked.channels))
    return asked


def take_file_name(asked: Asked, app: App) -> None:
    """Let the name in a file say which environment is meant, unless the command line does.

    It is stronger than ``$MAMBA_TARGET_PREFIX`` and the active environment, as in micromamba.
    """
    if not asked.name:
        return
    check_name(asked.name)  # a path there is a mistake, even where it does not count
    if "env_name" not in app.options and "target_prefix" not in app.options:
        place = place_of(check_file_name(asked.name), prefix_context(app.config))
        app.reconfigure(msgspec.structs.replace(app.config, target_prefix=place))


def begin_root_prefix(prefix: str, config: Config) -> bool:
    """Whether ``prefix`` is the root prefix; it is then made an (empty) environment that can be installed into.

    It can't appear by one rename as others do: the package cache, which is filled meanwhile, lies in it.
    """
    if prefix != config.root_prefix or config.dry_run or config.download_only:
        return False
    from engine.shell.init import prepare_root

    prepare_root(prefix)
    return True


def fetch_file(url: str, app: App) -> bytes:
    """The text of a remote spec file. Raises `NetworkError`."""
    from engine import flow
    from engine.fetch.http.transport import Transport
    from engine.settings import transport_settings

    async def fetch() -> bytes:
        async with Transport(transport_settings(app.config, app.environ)) as transport, transport.open(url) as response:
            if response.status != 200:  # the transport leaves it to us what a missing file means
                raise HttpStatusError(mask_secrets(url), response.status, hint="Check the address of the file.")
            return b"".join([chunk async for chunk in response.chunks()])

    return flow.run(fetch)


def pip_step(
    asked: Asked, session: Session, prefix: str, *, undo: bool, update: bool = False
) -> Callable[[Outcome], Awaitable[None]]:
    """The step that installs the pip part. A failure takes back what was done before it: with ``undo`` the new
    environment, else the change of its packages. With ``update`` what is there becomes newer."""

    async def install_pip_parts(outcome: Outcome) -> None:
        if not asked.pip_parts:
            return
        from engine.environment.pip import install_requirements

        try:
            for part in asked.pip_parts:
                await install_requirements(_pip_request(asked, session, prefix, part, update=update), session.progress)
        except BaseException as error:
            if undo and outcome.summary is not None:
                from engine.link.transaction.remove import remove_prefix

                await remove_prefix(_removal(outcome, session), session.progress)
            elif outcome.summary is not None and isinstance(error, WhipsnakeError):
                await _go_back(outcome, session)
            raise

    return install_pip_parts


async def _go_back(outcome: Outcome, session: Session) -> None:
    """Put the packages of an environment back as they were; what pip did before it failed, nobody knows."""
    from engine.install import install
    from engine.link.prefix.removed import plain_record
    from engine.request import InstallRequest

    done = outcome.plan.transaction
    request = InstallRequest(
        mode="install",
        prefix=outcome.plan.request.prefix,
        exact=tuple(map(plain_record, (*done.unchanged, *done.remove))),
        exact_requested={record.name: record.requested_specs for record in done.remove if record.requested_specs},
        command=f"{outcome.plan.request.command} (taken back)",
    )

    async def accept(plan: Plan) -> bool:
        return True

    try:
        await install(request, session.services, accept)
    except WhipsnakeError as error:
        session.out.warning(f"The packages could not be put back as they were: {error.message}")
    else:
        session.out.warning("The pip part failed, so the packages were put back as they were.")


def _pip_request(asked: Asked, session: Session, prefix: str, part: PipPart, *, update: bool) -> PipRequest:
    from engine.environment.pip import PipRequest

    return PipRequest(
        prefix=prefix,
        requirements=part.lines,
        directory=part.directory,
        environ=session.app.environ,
        platform=session.config.platform,
        use_uv=asked.use_uv,
        no_deps=part.no_deps,
        update=update,
    )


def _removal(outcome: Outcome, session: Session) -> LinkRequest:
    import datetime

    from engine.link.request import LinkRequest
    from engine.settings import link_options

    return LinkRequest(
        prefix=outcome.plan.request.prefix,
        platform=session.config.platform,
        now=datetime.datetime.now(),
        options=link_options(session.config, session.app.environ),
    )
