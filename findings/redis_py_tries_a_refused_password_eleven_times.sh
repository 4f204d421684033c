#!/usr/bin/env bash
# redis-py 8.1.0: a password that the server refuses is sent eleven times before the caller hears of it.
#
# AuthenticationError is a subclass of redis.exceptions.ConnectionError, and a client's default Retry
# repeats every ConnectionError ten times. Seen: one `ping()` with a wrong password opens eleven
# connections, sends the password on each, and raises AuthenticationError after about four seconds. With
# `retry=None` it is one connection and no wait. The script answers as Redis does; Redis 7.0.15 counts
# the same eleven refusals. So after a password's rotation each request waits for seconds for an error
# that cannot go away, a health check with a shorter limit sees a timeout instead, and `except
# ConnectionError` around a call takes the wrong password for an outage.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check redis==8.1.0
cat >"$work/show.py" <<'PY'
import socket
import threading
import time
from importlib.metadata import version

import redis

REFUSAL = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"


def serve(listener, passwords):
    """Answer every connection as Redis does when the password is wrong."""
    while True:
        connection, _ = listener.accept()
        with connection:
            while sent := connection.recv(65536):
                if b"AUTH" in sent and b"outdated" in sent:
                    passwords.append(sent)
                connection.sendall(REFUSAL)


def ping(**options):
    """The number of times that the password was sent."""
    passwords = []
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener, passwords), daemon=True).start()
    port = listener.getsockname()[1]
    client = redis.Redis(host="127.0.0.1", port=port, password="outdated", **options)
    began = time.monotonic()
    try:
        client.ping()
    except redis.ConnectionError as error:
        print(f"  {options or 'default'}: {type(error).__name__}: {error}", end=" ")
    seconds = time.monotonic() - began
    print(f"sent {len(passwords)} times, {seconds:.1f} s")
    return len(passwords)


print("redis", version("redis"))
print("  bases of AuthenticationError:", redis.AuthenticationError.__mro__[1:3])
assert issubclass(redis.AuthenticationError, redis.ConnectionError)
assert ping() == 11
assert ping(retry=None) == 1
PY
"$work/env/bin/python" "$work/show.py"
