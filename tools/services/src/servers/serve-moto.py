"""Runs moto's S3: `serve-moto.py <port> [host, by default 127.0.0.1]`.

Moto looks at a condition and writes in two steps, between which another of its threads may write. Requests take turns
here, so that conditions are as atomic as those of the service. And of a request that was cut it would do what came: without
the conditions, where the headers were cut, or with a part of the body. The service refuses that.
"""

import logging
import sys
from io import BytesIO
from threading import Lock

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

application = create_backend_app("s3")
turn = Lock()


INCOMPLETE = b"<Error><Code>IncompleteBody</Code><Message>The request body terminated unexpectedly</Message></Error>"


def one_at_a_time(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > 0:
        body = environ["wsgi.input"].read(length)
        if len(body) < length:
            start_response("400 Bad Request", [("Content-Type", "application/xml")])
            return [INCOMPLETE]
        environ["wsgi.input"] = BytesIO(body)
    with turn:
        return application(environ, start_response)


class Lines:
    """A file that keeps the last line that was read of it."""

    def __init__(self, file):
        self.file = file
        self.last = b""

    def readline(self, *args):
        self.last = self.file.readline(*args)
        return self.last


class WholeRequests(MotoRequestHandler):
    def parse_request(self):
        rfile = self.rfile
        self.rfile = lines = Lines(rfile)
        try:
            parsed = super().parse_request()
        finally:
            self.rfile = rfile
        # Headers end with an empty line; those that end with the connection are taken for whole otherwise.
        whole = lines.last in (b"\r\n", b"\n")
        if not whole:
            self.close_connection = True
        return parsed and whole


# A line for each request would be long in the end.
logging.getLogger("werkzeug").setLevel(logging.WARNING)
host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
run_simple(host, int(sys.argv[1]), one_at_a_time, threaded=True, request_handler=WholeRequests)
