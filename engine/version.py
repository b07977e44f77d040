"""The versions of whipsnake and of what it stands in for, alone in a file so that reading them imports nothing."""

__version__ = "0.1.0"

MICROMAMBA_VERSION = "2.8.1"
"""The micromamba whose commands, options and files are ours: tools that find us under that name ask for a minimum."""


def version_as(program: str) -> str:
    """What ``--version`` says where we were started as ``program`` (a path)."""
    name = program.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
    return MICROMAMBA_VERSION if name in ("micromamba", "mamba") else __version__
