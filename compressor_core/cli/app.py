"""The verb `app`, which starts the Streamlit app of the installed package or of a checkout."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from compressor_core.assets import APP_FOLDER
from compressor_core.files import storage_error
from compressor_core.logs import write_to


def app(options: argparse.Namespace) -> NoReturn:
    """Replace this process by the app's server; other settings come from Streamlit's environment variables, such as
    STREAMLIT_SERVER_PORT.

    Raises StorageError if the log cannot be opened, OSError if the interpreter cannot be started.
    """
    command = [sys.executable, "-m", "streamlit", "run", str(APP_FOLDER / "app.py")]
    command += ["--server.headless", str(options.no_browser).lower(), "--server.showEmailPrompt", "false"]
    if options.port is not None:
        command += ["--server.port", str(options.port)]
    if options.address is not None:
        command += ["--server.address", options.address]
    # Options replace the host names in Streamlit's configuration; this machine's own names must stay allowed.
    for host in [*options.allow_host, *(("localhost", "127.0.0.1") if options.allow_host else ())]:
        command += ["--server.allowedHosts", host]
    if options.log is not None:
        try:
            write_to(options.log)
        except OSError as error:
            raise storage_error(error, options.log) from error
    os.execv(sys.executable, command)
