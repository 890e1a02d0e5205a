"""Load Keras files safely, and turn the networks of others into classifiers of pixels.

A Keras file can contain code (Lambda layers) or name classes to import. Its configuration is therefore first read as
plain JSON, and every class that it names must be on the list below. Still, load only files that you trust.
"""

import functools
import json
import tempfile
import warnings
from pathlib import Path

import h5py
import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.inference import archive

# Scale and offset from pixels 0-255 to the range that a network expects; the most common range first.
PIXELS = {"0-1": (1 / 255, 0.0), "-1-1": (1 / 127.5, -1.0), "0-255": (1.0, 0.0)}
_STOCK = {
    "keras.layers": """Activation Add Average AveragePooling2D BatchNormalization Concatenate Conv2D Conv2DTranspose
        Cropping2D Dense DepthwiseConv2D Dropout ELU Flatten GaussianNoise GlobalAveragePooling2D GlobalMaxPooling2D
        GroupNormalization InputLayer LayerNormalization LeakyReLU MaxPooling2D Maximum Multiply Normalization PReLU
        Permute RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom ReLU
        Rescaling Reshape Resizing SeparableConv2D Softmax SpatialDropout2D Subtract UpSampling2D ZeroPadding2D""",
    "keras.models": "Model Sequential",
    "keras.initializers": """Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform
        Ones Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros""",
    "keras.regularizers": "L1 L1L2 L2",
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
    "keras": "DTypePolicy __keras_tensor__ __numpy__ __tensor__",
}
_MODULES = {name: module for module, names in _STOCK.items() for name in names.split()}


def load_keras_file(content: bytes, name: str) -> keras.Model:
    """Load a network from the content of a `.keras` or `.h5` file, by Keras 3 or 2; `name` is for error messages.

    Raises:
        ValueError: the file is damaged, holds weights only, or names anything but stock layers.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        try:
            config, weights = _read(content, Path(folder))
            model = keras.saving.deserialize_keras_object(_checked(json.loads(config)), safe_mode=True)
            model.load_weights(weights)
        except Exception as error:  # h5py, zipfile and Keras raise many types for inconsistent files
            cause = " ".join(str(error).rsplit("Exception encountered: ", 1)[-1].split()).replace(f"{folder}/", "")
            raise ValueError(f"{name} cannot be read by Keras {keras.__version__}: {cause[:400]}") from error
    return model


def _read(content: bytes, folder: Path) -> tuple[str | bytes, Path]:
    """Return the configuration in a file, as JSON, and the path of a file with its weights in `folder`."""
    (path := folder / "network.h5").write_bytes(content)
    if content.startswith(b"PK\3\4"):
        (weights := folder / "model.weights.h5").write_bytes(archive.read_member(path, "model.weights.h5"))
        return archive.read_member(path, "config.json", limit=2**24), weights
    if not content.startswith(b"\x89HDF\r\n\x1a\n"):
        raise ValueError("it is neither a .keras nor an .h5 file.")
    with h5py.File(path) as file:
        config = file.attrs.get("model_config", "")[: 2**24]  # a longer one is cut off, and then no valid JSON
    if not config:
        raise ValueError("it holds weights, but no network. Save both together: model.save('network.keras').")
    return config, path


def _checked(part):
    """Return a part of a configuration in the form of Keras 3, or raise if it names anything but stock classes."""
    if not isinstance(part, dict):
        return [_checked(inner) for inner in part] if isinstance(part, list) else part
    # The compile configuration is not needed, and Keras would instantiate whatever it names.
    part = {key: _checked(value) for key, value in part.items() if key != "compile_config"}
    if "class_name" not in part:
        return part
    kind, module, registered, config = (part.get(key) for key in ("class_name", "module", "registered_name", "config"))
    if registered not in (None, kind, config) or str(module or "keras").split(".")[0] not in ("keras", "builtins"):
        raise ValueError(f"it has a custom {kind} ({f'{module}, {registered}'[:80]}); only Keras's own are loaded.")
    if kind == "function":
        return str(config)  # Keras looks names up among its own functions
    if (kind := {"Functional": "Model", "Policy": "DTypePolicy"}.get(kind, kind)) not in _MODULES:
        raise ValueError(f"it has a {str(kind)[:50]!r}, not one of Keras's stock layers for images; use only those.")
    part.pop("registered_name", None)
    return part | {"class_name": kind, "module": _MODULES[kind], "config": _upgraded(kind, config)}


def _upgraded(kind: str, config: dict) -> dict:
    """Return the configuration of a class with what Keras 2 wrote differently in the form of Keras 3."""
    dropped = ["rng_type"]
    if kind in ("Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D"):
        dropped += ["groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"]
    config = {key: value for key, value in config.items() if key not in dropped}
    if shape := config.pop("batch_input_shape", None):
        config |= {"batch_shape": shape} if kind == "InputLayer" else {"input_shape": shape[1:]}
    if isinstance(axis := config.get("axis"), list) and len(axis) == 1:
        config["axis"] = axis[0]
    if kind == "DTypePolicy" and config["name"] == "mixed_float16":
        config["name"] = "float32"  # the dtype of the weights
    return _relinked(config) if kind == "Model" else config


def _relinked(config: dict) -> dict:
    """Rewrite the links of a Keras 2 model, where calls of nested models count from 1 and a single end is in a list."""
    kinds = {layer["name"]: layer["class_name"] for layer in config["layers"]}
    nodes = [node for layer in config["layers"] for node in layer["inbound_nodes"] if isinstance(node, list)]
    for name, link in [(link[0], link) for node in nodes for link in node]:
        link[1] -= kinds[name] in ("Model", "Sequential") and link[1] > 0
    for key in ("input_layers", "output_layers") if nodes else ():
        for end in config[key]:  # Keras 3 itself converts the numbers of functional models here
            end[1] -= kinds[end[0]] == "Sequential" and end[1] > 0
        config[key] = config[key][0] if len(config[key]) == 1 else config[key]
    return config


def as_classifier(model: keras.Model, pixels: str = "0-1") -> keras.Model:
    """Return a model from `(n, size, size, 3)` uint8, 0-255, to `(n, classes)` float32 probabilities.

    Args:
        model: takes square images, in colour or grey; returns a row of scores, or of two classes that of the second.
        pixels: pixel range that it expects, a key of `PIXELS`.

    Raises:
        ValueError: the input or output is of another kind, or the scores are not finite.
    """
    if len(shape := model.input_shape) != 4 or shape[1] is None or shape[1] != shape[2] or shape[3] not in (1, 3):
        raise ValueError(f"The network must take square images, (None, size, size, 3 or 1), not {shape}.")
    x = entry = keras.Input((shape[1], shape[1], 3), dtype="uint8", name="pixels")
    x = keras.layers.Rescaling(*PIXELS[pixels], name="from_uint8")(x)
    if shape[3] == 1:  # luma of red, green and blue (ITU-R BT.601), as in Pillow
        luma = keras.initializers.Constant([[0.299], [0.587], [0.114]])
        x = keras.layers.Dense(1, use_bias=False, kernel_initializer=luma, trainable=False, name="to_grey")(x)
    x = _applied(model, x)
    noise = np.random.default_rng(0).integers(0, 256, (8, *entry.shape[1:]), np.uint8)
    scores = keras.ops.convert_to_numpy(keras.Model(entry, x)(noise, training=False))
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise ValueError("The network must return one row of finite scores per image, but it does not.")
    if scores.shape[1] == 1:
        x = keras.layers.Activation("sigmoid")(x) if scores.min() < 0 or scores.max() > 1 else x
        x = keras.layers.Concatenate(name="probabilities")([keras.layers.Rescaling(-1.0, offset=1.0)(x), x])
    elif scores.min() < 0 or not np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        x = keras.layers.Softmax(name="probabilities")(x)
    return keras.Model(entry, x)


def _applied(layer, x, **options):
    """Apply the layers of a model one by one, since calling the model would hide them from explanations."""
    if isinstance(layer, keras.Sequential):
        return functools.reduce(lambda x, inner: _applied(inner, x), layer.layers, x)
    if not isinstance(layer, keras.Model):
        return layer(x, **options)
    outputs = []

    def call(inner, inputs, **options):
        outputs.append(_applied(inner, inputs, **options))
        return outputs[-1]

    keras.models.clone_model(layer, x, clone_function=lambda inner: inner, call_function=call)
    return outputs[-1]
