"""Runs moto's S3: `serve-moto.py <port> [host, by default 127.0.0.1]`.

Moto looks at a condition and writes in two steps, between which another of its threads may write. Requests take turns
here, so that conditions are as atomic as those of the service.
"""

import logging
import sys
from threading import Lock

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

application = create_backend_app("s3")
turn = Lock()


def one_at_a_time(environ, start_response):
    with turn:
        return application(environ, start_response)


# A line for each request would be long in the end.
logging.getLogger("werkzeug").setLevel(logging.WARNING)
host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
run_simple(host, int(sys.argv[1]), one_at_a_time, threaded=True, request_handler=MotoRequestHandler)
