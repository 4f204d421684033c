"""What a client saw of one request to a server on the loopback interface."""

from __future__ import annotations

import http.client


class Seen:
    """The answer to one request."""

    def __init__(self, port: int, path: str, method: str = "GET") -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            self.status, self.headers, self.body = response.status, response.getheaders(), b""
            self.whole = True
            try:
                self.body = response.read()
            except http.client.IncompleteRead as exc:
                self.body, self.whole = exc.partial, False
        finally:
            connection.close()
        (self.id,) = [value for name, value in self.headers if name.lower() == "x-request-id"]
