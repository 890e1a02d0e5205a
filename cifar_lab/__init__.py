"""cifar-lab: a hands-on lab for image classification.

Each module is one subject and is imported on its own, so that `import cifar_lab` costs nothing:

    from cifar_lab import data, images
    from cifar_lab.inference.classifier import Classifier
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow loads: its start-up log would fill a notebook

__version__ = "0.1.0"
