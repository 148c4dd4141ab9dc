"""The real server: where it listens, and whom it answers."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import tomllib
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks.serving import PROJECT, Server

CONFIG = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text("utf-8"))


def listening(process: psutil.Process) -> set[str]:
    return {each.laddr.ip for each in process.net_connections() if each.status == psutil.CONN_LISTEN}


def upgrade(port: int, host: str = "127.0.0.1", **headers: str) -> int:
    """The status that a request for the app's WebSocket is answered with."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    key = base64.b64encode(os.urandom(16)).decode()
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    connection.request("GET", "/_stcore/stream", headers={**asked, **headers})
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def status_of(port: int, method: str, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body=b"x", headers=headers)
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_server_is_on_loopback_and_answers_no_other_site() -> None:
    with Server() as server:
        port = server.port
        assert listening(server.process) == {"127.0.0.1"}
        for address in {each.address for some in psutil.net_if_addrs().values() for each in some}:
            if address.count(".") == 3 and not address.startswith("127."):
                with pytest.raises(OSError), socket.create_connection((address, port), timeout=2):
                    pass
        own = server.address
        assert upgrade(port, Origin=own) == 101
        # Another site in the same browser, and one whose name was made to mean this machine.
        assert upgrade(port, Origin="http://evil.example") == 403
        assert upgrade(port, Origin=f"http://evil.example:{port}", Host=f"evil.example:{port}") == 403
        # An upload without the token that only the app's own page knows; and no programs but browsers.
        assert status_of(port, "PUT", "/_stcore/upload_file/session/file", Origin=own) == 403
        assert status_of(port, "POST", "/_stcore/agent/interact") in (403, 404)
        assert upgrade(port, Origin=f"http://localhost:{port}", Host=f"localhost:{port}") == 101
        assert "allowedHosts" in (PROJECT / ".streamlit" / "config.toml").read_text("utf-8")
        assert "set_up()" in (PROJECT / "app.py").read_text("utf-8")
        for path in ("/../app.py", "/%2e%2e/app.py", "/media/../../app.py", "/app.py", "/.streamlit/config.toml"):
            with suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request("GET", path)
                body = connection.getresponse().read()
                assert b"allowedHosts" not in body and b"set_up()" not in body
                connection.close()


@pytest.mark.skipif(not Path("/proc/net").exists(), reason="addresses such as 127.0.0.2 are Linux's")
def test_a_server_is_opened_only_by_saying_so() -> None:
    options = ("--server.address", "127.0.0.2", "--server.allowedHosts", "127.0.0.2")
    with Server(*options, host="127.0.0.2") as server:
        port = server.port
        assert listening(server.process) == {"127.0.0.2"}
        assert upgrade(port, "127.0.0.2", Origin=f"http://127.0.0.2:{port}") == 101
        assert upgrade(port, "127.0.0.2", Origin=f"http://evil.example:{port}", Host=f"evil.example:{port}") == 403


def test_a_server_behind_a_proxy_answers_the_names_it_is_told() -> None:
    def asked(server: Server, host: str) -> int:
        return upgrade(server.port, Origin=f"https://{host}", Host=host)

    with Server(COMPRESSOR_SHARED="1") as server:
        assert asked(server, "studio.streamlit.app") == asked(server, "someone-studio.hf.space") == 101
        assert asked(server, "studio.example.org") == asked(server, "streamlit.app.example.org") == 403
    with Server(COMPRESSOR_SHARED="1", STREAMLIT_SERVER_ALLOWED_HOSTS="localhost studio.example.org") as server:
        assert asked(server, "studio.example.org") == 101
        assert asked(server, "evil.example") == 403


def test_no_option_weakens_the_server() -> None:
    from streamlit import config

    assert CONFIG["server"]["address"] == "127.0.0.1"
    hosts = set(CONFIG["server"]["allowedHosts"])
    assert {"localhost", "127.0.0.1", "::1"} <= hosts
    # Names that only the hosting service can give an address: nobody makes them mean this machine.
    assert hosts - {"localhost", "127.0.0.1", "::1"} == {"*.streamlit.app", "*.hf.space"}
    assert "global" not in CONFIG
    assert CONFIG["server"]["maxUploadSize"] <= 50
    assert CONFIG["client"]["showErrorDetails"] == "none"
    for option, wanted in {
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.corsAllowedOrigins": [],
    }.items():
        section, name = option.split(".")
        default = config.get_config_options()[option].default_val
        assert CONFIG.get(section, {}).get(name, default) == wanted, option
