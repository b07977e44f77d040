"""The configuration: files, environment variables and options → one frozen `Config`.

Only this part knows rc files and variables, and it is handed the variables. It is read at every start, so it
imports little: YAML only where there is an rc file.
"""

from engine.config.resolve import load_config
from engine.config.schema import Config

__all__ = ["Config", "load_config"]
