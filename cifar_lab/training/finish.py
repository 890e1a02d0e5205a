"""Write a finished run: its network, then its record."""

from datetime import UTC, datetime

from cifar_lab.core import files
from cifar_lab.core.keras_backend import evaluate_in_batches, keras
from cifar_lab.models import airbench
from cifar_lab.training import checkpoint, runs, weight_averaging
from cifar_lab.training.prepare import Job
from cifar_lab.training.runs import Run


def finish(job: Job) -> Run:
    """Save the network that the recipe keeps, then the record: a run with a record is a finished run."""
    model, recipe, state = job.model, job.recipe, job.state
    model.set_weights(state.best_weights)
    reached = state.best
    if recipe.keep in ("mean", "half-way"):  # a network that no epoch has validated
        weight_averaging.update_batch_norm(model, job.dataset.train.images)
        if recipe.keep == "half-way":
            weight_averaging.interpolate_half_way(model, recipe.start, job.dataset)
        reached = evaluate_in_batches(model, job.validation)
    path = job.folder / runs.MODEL
    stock = airbench.fold_batch_norm(model, job.full_size) if recipe.model == "fast" else model
    files.write_whole(path, lambda unfinished: stock.save(unfinished, include_optimizer=False))
    record = {
        "format": 1,
        "name": job.folder.name,
        "recipe": recipe.to_dict(),
        **job.facts,
        "metrics": {
            "validation": {"accuracy": reached["validation_accuracy"], "loss": reached["validation_loss"]},
            "best_epoch": state.best_epoch,
            "parameters": model.count_params(),
        },
        "history": state.history,
        "weights_sha256": checkpoint.weights_sha256(model.get_weights()),
        "model_sha256": files.sha256(path),
        "model_bytes": path.stat().st_size,
        "minutes": round(state.seconds / 60, 2),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": runs.describe_machine(),
        "versions": runs.package_versions() | {"backend": keras.config.backend()},
    }
    files.write_json(job.folder / runs.RECORD, record)
    (job.folder / checkpoint.FILE_NAME).unlink(missing_ok=True)
    return Run(job.folder, record)
