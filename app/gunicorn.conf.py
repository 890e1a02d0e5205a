"""How gunicorn serves the page: `gunicorn -c app/gunicorn.conf.py`."""

from app import settings

wsgi_app = "app:create_app()"  # made in each worker: interpreters do not survive a fork
bind = f"{settings.HOST}:{settings.PORT}"
workers, threads = settings.PROCESSES, 40  # threads wait for bodies and for their turn; few others do the work
keepalive = 75  # longer than the proxies of the usual hosts keep theirs
timeout = graceful_timeout = 30
control_socket_disable = True  # else it makes a file in the home folder


def pre_request(worker, request):
    """Let go of a client that stops in the middle of its request."""
    request.unreader.sock.settimeout(30)
