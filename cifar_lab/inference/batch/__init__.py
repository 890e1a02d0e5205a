"""Classify a large collection of pictures: into a table, on all cores or on a Ray cluster, and on again after a kill.

    report = inference.classify_files("pictures", "answers.csv", model="cifar10")
    print(*report.lines(), sep="\\n")

The list of pictures is cut into parts. Each part that is answered is kept in a folder beside the table at once, so
that a run that was stopped or killed goes on with the parts that are missing: no picture is lost, none counted twice.
Once all are there they become the table, in the order of the list.
"""

import contextlib
from pathlib import Path
from typing import BinaryIO

from cifar_lab.core.progress import progress_bar
from cifar_lab.inference.batch import output
from cifar_lab.inference.batch.job import Job
from cifar_lab.inference.batch.listing import FileListing
from cifar_lab.inference.batch.manifest import begin_or_resume
from cifar_lab.inference.batch.output import BatchReport
from cifar_lab.inference.batch.predicting import Model

__all__ = ["BatchReport", "classify"]


def classify_files(
    source: str | Path | BinaryIO,
    output_path: str | Path = "answers.csv",
    *,
    model: str | Path | None = None,
    cluster: str | None = None,
    workers: int | None = None,
    replace: bool = False,
    as_listed: bool = False,
    progress: bool = False,
) -> BatchReport:
    """Classify every picture of a folder or list into a table with a row for each.

    The columns: `path`, `label`, `index`, `score` (0-1), `known` (False for "none of these"), and for a file that could
    not be read `code` and `error` instead. The rows are the same however many workers there were, and on a cluster.
    A script calls this below `if __name__ == "__main__":`, because the workers are processes that import it.

    Args:
        source: a folder, which is walked with all folders in it (names that begin with a dot are left out, links to
            folders not followed but listed as errors); or a file, or one opened for reading bytes, with one path a
            line, or with a NUL behind each. A path that is named twice gets two rows.
        output_path: the table, `.csv` or `.parquet`. The parts are kept in a folder of the same name with `.parts`.
        model: a classifier's name or folder; the best shipped one when not given.
        cluster: where the Ray cluster is: `"auto"` for the one this machine belongs to, `"host:port"`, or `"local"`
            for one that is started here and ends with the run. Without it processes on this machine do the work.
        workers: pictures in work at once; one a core when not given.
        replace: replace a table that is there, or a run that was begun with other pictures or another classifier.
            A run of the same pictures with the same classifier is gone on with all the same.
        as_listed: go on with the list as it was at the start, whatever is in the folder by now.
        progress: show progress bars.

    Returns:
        What became of the pictures.

    Raises:
        ValueError: there is nothing to classify, the table is there already, the unfinished run is of other pictures or
            of another classifier, or something that this needs is not installed. The sentence says what to do.
        OSError: the folder cannot be read, or the table not written.
    """
    table = Path(output_path)
    output.check_table_path(table)
    network = Model.load(model)
    run = _runner(cluster)
    job = Job(table)
    paths = FileListing(source, leave_out=(table, job.folder), progress=progress)
    with job.locked():
        begin_or_resume(job, paths, network.facts, replace=replace, as_listed=as_listed)
        shown = progress_bar(
            total=job.count, initial=job.count_done(), unit=" picture", desc="Classifying", shown=progress
        )
        answered = run(job.missing(), network, workers=workers, seen=shown.update)
        with shown, contextlib.closing(answered):  # whatever happens here, the workers end
            for number, answers in answered:
                job.keep(number, answers)
        report = output.write_table(job, network.class_names, progress=progress)
        job.remove()
    return report


def _runner(cluster: str | None):
    """The way the parts are answered; what it needs is looked for before anything is begun."""
    if cluster is None:
        from cifar_lab.inference.batch import workers

        return workers.run_workers
    from cifar_lab.inference.batch import ray_runner as clusters

    return clusters.runner(cluster)
