#!/usr/bin/env bash
# h2 4.4.1 under httpx 0.28.1: a GOAWAY is lost when another frame follows it in the same read.
#
# RFC 9113 section 6.8 lets a peer go on with frames after GOAWAY, for the streams that it still
# serves. Seen: with the GOAWAY alone the client raises RemoteProtocolError with the
# ConnectionTerminated event, whose last_stream_id of 0 says that the request was not processed and
# may be sent again. With a PING behind it in one write, h2 refuses the PING ("state
# ConnectionState.CLOSED"), the events of that read are lost with the GOAWAY among them, and the
# client raises LocalProtocolError, as if the fault were its own.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check 'httpx[http2]==0.28.1' h2==4.4.1
cat >"$work/show.py" <<'PY'
import socket
import threading
from importlib.metadata import version

import httpx
from hyperframe.frame import GoAwayFrame, PingFrame, SettingsFrame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS = 1


def read_until_request(connection: socket.socket) -> None:
    seen = b""
    while True:
        seen += connection.recv(65536)
        frames = seen[len(PREFACE) :]
        while len(frames) >= 9:
            length = int.from_bytes(frames[:3])
            if len(frames) < 9 + length:
                break
            if frames[3] == HEADERS:
                return
            frames = frames[9 + length :]


def serve(listener: socket.socket, frames: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(SettingsFrame(0).serialize())
        read_until_request(connection)
        connection.sendall(frames)
        while connection.recv(65536):
            pass


goaway = GoAwayFrame(0, last_stream_id=0, error_code=0).serialize()
ping = PingFrame(0, opaque_data=b"12345678").serialize()
for name in ("httpx", "httpcore", "h2"):
    print(name, version(name))
said = {}
for what, frames in (("GOAWAY", goaway), ("GOAWAY, PING", goaway + ping)):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener, frames))
        server.start()
        port = listener.getsockname()[1]
        with httpx.Client(http1=False, http2=True, timeout=10) as client:
            try:
                client.get(f"http://127.0.0.1:{port}/")
            except httpx.ProtocolError as error:
                said[what] = f"{type(error).__name__}: {error}"
        server.join()
    print(f"{what}: {said[what]}")
assert "ConnectionTerminated" in said["GOAWAY"] and "last_stream_id:0" in said["GOAWAY"]
assert said["GOAWAY, PING"].startswith("LocalProtocolError")
assert "ConnectionTerminated" not in said["GOAWAY, PING"]
PY
"$work/env/bin/python" "$work/show.py"
