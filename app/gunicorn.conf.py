"""How gunicorn serves the page: `gunicorn -c app/gunicorn.conf.py`."""

from app import settings

wsgi_app = "app:create_app()"  # made in each worker: interpreters do not survive a fork
bind = f"{settings.HOST}:{settings.PORT}"
workers = settings.PROCESSES
threads = settings.AT_ONCE + settings.WAITING + 22  # more than can be in the queue: they wait for slow uploads
keepalive = 75  # seconds: longer than the proxies of the usual hosts keep theirs
control_socket_disable = True  # else it makes a file in the home folder


def pre_request(worker, request):
    """Let go of a client that stops for half a minute in the middle of its request."""
    request.unreader.sock.settimeout(30)
