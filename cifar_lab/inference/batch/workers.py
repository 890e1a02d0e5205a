"""Parts answered by processes on this machine; one that is killed is noticed, and its part done again."""

import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context

from cifar_lab.core.machine import cores
from cifar_lab.inference.batch.predicting import Model, answer

_TRIES = 3  # worker processes that may end at the same file before it is passed over
_PATIENCE = 30  # that may end without any part finished in between

Part = tuple[int, list[bytes]]


def run_workers(
    parts: Iterator[Part],
    model: Model,
    *,
    workers: int | None = None,
    seen: Callable[[int], object] = lambda count: None,
) -> Iterator[tuple[int, list[list]]]:
    """Answer parts, several at once; whichever is done first comes first.

    Args:
        parts: the number of each, and its files.
        model: the classifier.
        workers: processes; one a core when not given.
        seen: is told how many more files were opened; a number below 0 when a part has to be done again.

    Raises:
        ChildProcessError: the processes keep ending.
    """
    pool: list[_Worker] = []
    again: deque[Part] = deque()
    ended: Counter = Counter()  # how many processes ended at (part, position)
    in_vain = 0
    try:
        while _employ(pool, workers or cores(), again, parts, model, ended):
            busy = {worker.connection: worker for worker in pool if worker.part}
            for ready in connection.wait(list(busy)):
                worker = busy[ready]
                message = worker.hear()
                if message is None:
                    in_vain += 1
                    _part_with(worker, pool, again, ended, in_vain)
                    seen(-worker.opened)
                elif isinstance(message, int):
                    worker.opened = message + 1
                    seen(1)
                else:
                    number, worker.part, in_vain = worker.part[0], None, 0
                    yield number, message
    finally:
        for worker in pool:
            worker.end()


def _employ(pool, size: int, again: deque, parts: Iterator[Part], model: Model, ended: Counter) -> bool:
    """Give every idle worker a part, and take on workers while there are parts; False when all is done."""
    while len(pool) < size or not all(worker.part for worker in pool):
        part = again.popleft() if again else next(parts, None)
        if part is None:
            break
        worker = next((worker for worker in pool if not worker.part), None)
        if worker is None:
            worker = _Worker(model)
            pool.append(worker)
        worker.take(part, {at for (number, at), times in ended.items() if number == part[0] and times >= _TRIES})
    return any(worker.part for worker in pool)


def _part_with(worker: "_Worker", pool: list, again: deque, ended: Counter, in_vain: int) -> None:
    """Note where a worker ended, and put its part back."""
    if in_vain >= _PATIENCE:
        raise ChildProcessError(
            f"Worker processes keep ending ({in_vain} in a row). Is there too little memory? Try --workers 1; "
            "what is answered is kept, and the same command goes on."
        )
    pool.remove(worker)
    worker.end()
    ended[worker.part[0], worker.opened - 1] += 1
    again.append(worker.part)


class _Worker:
    """A process that answers one part after another."""

    def __init__(self, model: Model):
        context = get_context("spawn")  # a fork would share the native libraries' threads and locks
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, model), daemon=True)
        with _interrupts_ignored():
            self._process.start()
        theirs.close()  # now the pipe ends when the process does
        self.part: Part | None = None
        self.opened = 0

    def take(self, part: Part, passed_over: set[int]) -> None:
        self.part, self.opened = part, 0
        with suppress(OSError):  # it has ended: `hear` will say so
            self.connection.send((part[1], passed_over))

    def hear(self) -> int | list | None:
        """The position of the file it opens, the answers of its part, or `None` when it has ended."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return None

    def end(self) -> None:
        self.connection.close()
        self._process.terminate()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()


def _work(pipe: connection.Connection, model: Model) -> None:
    """What the process does, until nobody is there any more to tell the answers to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that gives out the parts
    classifier = model.classifier()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            paths, passed_over = pipe.recv()
            pipe.send(answer(classifier, paths, opening=pipe.send, passed_over=passed_over))


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Start a process that ignores Ctrl-C from its first moment: it inherits that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)
