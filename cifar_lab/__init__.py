"""cifar-lab: a hands-on lab for image classification.

Each package is one subject, and imports only from those before it:

    core < images < data < evaluation < inference < models < explain < training < experiments < plots < lessons < cli

    from cifar_lab import data, images
    from cifar_lab.inference import Classifier

Importing a package loads none of its files: each is loaded when something of it is first used.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow loads: its start-up log would fill a notebook

__version__ = "0.1.0"
