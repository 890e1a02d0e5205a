"""How gunicorn serves the page: `gunicorn -c app/gunicorn.conf.py`."""

from app import settings

wsgi_app = "app:create_app()"  # made in each worker: interpreters do not survive a fork
bind = f"{settings.HOST}:{settings.PORT}"
workers = settings.PROCESSES
threads = 40  # they wait for bodies and for a turn; the work is done by CIFAR_LAB_AT_ONCE others
backlog = 128
keepalive = 75  # longer than the proxies of the usual hosts keep theirs
timeout = graceful_timeout = 30
control_socket_disable = True


def pre_request(worker, request):
    """Let go of a client that stops in the middle of its request."""
    request.unreader.sock.settimeout(30)
