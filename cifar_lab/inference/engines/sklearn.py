"""Scikit-learn: a pipeline from images to probabilities, such as a random forest."""

import numpy as np


class Scikit:
    """A pipeline that answers. Any number of threads may call one at once: answering changes nothing in it."""

    at_once = 256

    def __init__(self, content: bytes, *, shape: tuple[int, int, int], classes: int, threads: int):
        """Make one, and ask it once, so that one that can't answer is noticed here.

        Args:
            content: the content of `model.skops`, its SHA-256 verified.
            shape: of one image.
            classes: how many probabilities are expected.
            threads: cores one call may use.

        Raises:
            ValueError: scikit-learn or skops is not installed, or the content is no pipeline for such images and
                classes.
        """
        try:
            from cifar_lab.inference import pipelines
        except ModuleNotFoundError as error:
            raise ValueError(
                f"it is a scikit-learn pipeline, and {error.name} is not installed here. Install the lab: "
                "python -m pip install -e '.[lab]' -c constraints.txt"
            ) from error
        self._pipeline = pipelines.load_pipeline(content)
        jobs = [name for name in self._pipeline.get_params() if name.endswith("n_jobs")]
        self._pipeline.set_params(**dict.fromkeys(jobs, threads))
        try:
            found = self(np.zeros((1, *shape), np.uint8)).shape
        except Exception as error:  # whatever its steps make of images that they were not made for
            raise ValueError(f"its pipeline takes no {shape[0]} x {shape[1]} images ({error})") from error
        if found != (1, classes):
            raise ValueError(f"its pipeline knows {found[-1]} classes, but its card names {classes}")

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """What the pipeline says of images.

        Args:
            images: `(n, size, size, 3)` uint8, 0-255, n at least 1.

        Returns:
            `(n, classes)` float32, 0-1.
        """
        return self._pipeline.predict_proba(images).astype(np.float32)
