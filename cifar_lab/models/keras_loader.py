"""Load Keras files safely: only networks made of stock layers are opened.

A Keras file can contain code (Lambda layers) or name modules to import (custom layers). Keras's safe mode refuses the
worst; here the model configuration is first read as plain JSON, and every class, function and module that it names
must be on an allow-list. No parser of such files is free of bugs, so still load only files that you trust.
"""

import json
import tempfile
import zipfile
from pathlib import Path

import h5py

from cifar_lab.core.keras_backend import keras
from cifar_lab.inference import archive

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\3\4"
_CONFIG, _METADATA, _WEIGHTS, _MAX_CONFIG = "config.json", "metadata.json", "model.weights.h5", 2**24

_LAYERS = """
    Activation Add AlphaDropout Average AveragePooling2D BatchNormalization CenterCrop Concatenate Conv2D
    Conv2DTranspose Cropping2D Dense DepthwiseConv2D Dropout ELU Flatten GaussianDropout GaussianNoise
    GlobalAveragePooling2D GlobalMaxPooling2D GroupNormalization InputLayer LayerNormalization LeakyReLU MaxPooling2D
    Maximum Minimum Multiply Normalization PReLU Permute RandomBrightness RandomContrast RandomFlip RandomRotation
    RandomTranslation RandomZoom ReLU Rescaling Reshape Resizing SeparableConv2D Softmax SpatialDropout2D Subtract
    UnitNormalization UpSampling2D ZeroPadding2D Functional Model Sequential
"""
_PARTS = """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
    RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros L1 L1L2 L2 MaxNorm MinMaxNorm NonNeg UnitNorm
    DTypePolicy __keras_tensor__ __numpy__ __tensor__
"""
_NAMES = frozenset((_LAYERS + _PARTS).split())
_FUNCTIONS = """
    celu elu exponential gelu hard_sigmoid hard_silu hard_swish leaky_relu linear log_softmax mish relu relu6 selu
    sigmoid silu softmax softplus softsign swish tanh
"""
_ACTIVATIONS = frozenset(_FUNCTIONS.split())
_ORIGINS = """
    builtins keras keras.activations keras.constraints keras.dtype_policies keras.initializers keras.layers keras.models
    keras.regularizers keras.src.engine.functional keras.src.engine.sequential keras.src.models.functional
    keras.src.models.sequential
"""
_MODULES = frozenset(_ORIGINS.split())
_OLD_NAMES = {"softmax_v2": "softmax"}  # TensorFlow 2.0


class KerasFileError(ValueError):
    """A Keras file cannot be loaded or is refused; the message says why, and what to do."""


def load_keras_file(content: bytes, name: str) -> keras.Model:
    """Load a network from the content of a `.keras` file, or of an `.h5` file written by Keras 3, 2 or 1.

    Args:
        content: bytes of the file.
        name: file name for error messages.

    Returns:
        The Keras model, not compiled.

    Raises:
        KerasFileError: the content is not a Keras file, holds weights only, names anything but stock layers, or Keras
            cannot build the network.
    """
    with tempfile.TemporaryDirectory() as folder:  # Keras opens paths only
        if content.startswith(_HDF5):
            path = _checked_h5(Path(folder), content, name)
        elif content.startswith(_ZIP):
            path = _checked_keras(Path(folder), content, name)
        else:
            raise KerasFileError(f"{name} cannot be read by Keras: it is neither a .keras nor an .h5 file.")
        try:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises various types for an inconsistent configuration or weights
            problem = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise KerasFileError(f"{name} cannot be read by Keras {keras.__version__}: {problem}") from error


def _checked_h5(folder: Path, content: bytes, name: str) -> Path:
    """Write a copy of an .h5 file whose model configuration is replaced by the checked one; return its path."""
    path = folder / "network.h5"
    path.write_bytes(content)
    try:
        with h5py.File(path, "r+") as file:
            if "model_config" not in file.attrs:
                raise KerasFileError(
                    f"{name} holds weights, but no network. Save both together: model.save('network.keras')."
                )
            file.attrs["model_config"] = json.dumps(_checked(file.attrs["model_config"], name))
            if "training_config" in file.attrs:
                del file.attrs["training_config"]
    except KerasFileError:
        raise
    except Exception as error:  # h5py raises various types for a damaged file
        raise KerasFileError(f"{name} is cut off or damaged: {error}") from error
    return path


def _checked_keras(folder: Path, content: bytes, name: str) -> Path:
    """Write a new .keras file with the checked configuration and the weights, and nothing else; return its path."""
    original, path = folder / "original.keras", folder / "network.keras"
    original.write_bytes(content)
    try:
        config = _checked(archive.read_member(original, _CONFIG, limit=_MAX_CONFIG), name)
        weights = archive.read_member(original, _WEIGHTS)
    except archive.ArchiveError as error:
        raise KerasFileError(str(error).replace(str(original), name)) from None
    with zipfile.ZipFile(path, "w") as file:
        for member, value in ((_CONFIG, config), (_METADATA, {"keras_version": keras.__version__})):
            file.writestr(member, json.dumps(value))
        file.writestr(_WEIGHTS, weights)
    return path


def _checked(text: str | bytes, name: str) -> dict:
    """Parse a model configuration and check every name in it against the allow-list.

    Raises:
        KerasFileError: a name is not on the list, or the text is not a model configuration.
    """
    if not isinstance(text, str | bytes) or len(text) > _MAX_CONFIG:
        raise KerasFileError(f"{name} has no model configuration, or one of more than {_MAX_CONFIG:,} bytes.")
    try:
        return _checked_part(json.loads(text), name)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise KerasFileError(f"{name} is damaged: its model configuration cannot be read ({error}).") from error


def _checked_part(part, name: str):
    if isinstance(part, list):
        return [_checked_part(inner, name) for inner in part]
    if not isinstance(part, dict):
        return part
    if "class_name" in part:
        _check_names(part, name)
        part = _upgraded(part)
    # Drop the compile configuration: it is not needed, and Keras would instantiate whatever it names.
    kept = {key: _checked_part(value, name) for key, value in part.items() if key != "compile_config"}
    for key, value in kept.items():
        if key.endswith("activation") and isinstance(value, str):
            kept[key] = _checked_activation(_OLD_NAMES.get(value, value), name)
    return kept


def _check_names(part: dict, name: str) -> None:
    """Check that a part is a stock class, imported from one of Keras's own modules."""
    kind, module, registered = part["class_name"], part.get("module"), part.get("registered_name")
    if kind in ("Lambda", "__lambda__"):
        raise KerasFileError(
            f"{name} has a Lambda layer: it contains Python code, which is not run. Rebuild the network with a stock "
            "layer instead (such as Rescaling), copy the weights with set_weights, and save that."
        )
    if kind == "function":
        _checked_activation(part.get("config"), name)
    elif not isinstance(kind, str) or kind not in _NAMES:
        raise KerasFileError(
            f"{name} has a {str(kind)[:60]!r}, which is not one of Keras's stock layers for images; others are refused "
            "because they can run code. Rebuild the network with stock layers, and save that."
        )
    if module not in (None, *_MODULES) or registered not in (None, kind, part.get("config")):
        origin = f"{module}, {registered}"
        raise KerasFileError(f"{name} has a custom {kind} ({origin[:80]!r}); only Keras's own classes are loaded.")


def _checked_activation(activation, name: str) -> str:
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        raise KerasFileError(f"{name} has the activation {str(activation)[:60]!r}, which is not one of Keras's own.")
    return activation


def _upgraded(part: dict) -> dict:
    """Convert a part of an older configuration to the form that Keras 3 expects."""
    kind, config = part["class_name"], part.get("config")
    if kind == "Sequential" and isinstance(config, list):  # Keras before 2.2.3
        config = {"name": "sequential", "layers": config}
    if not isinstance(config, dict):
        return part
    if kind == "Sequential" and isinstance(config.get("layers"), list):
        config = config | {"layers": _with_input_layer(config["layers"])}
    if kind in ("Functional", "Model") and "module" not in part:  # Keras 2 wrote a single input or output as a list
        ends = {key: config.get(key) for key in ("input_layers", "output_layers")}
        config = config | {key: end[0] for key, end in ends.items() if isinstance(end, list) and len(end) == 1}
    if kind == "DepthwiseConv2D" and config.get("groups") == 1:
        config = {key: value for key, value in config.items() if key != "groups"}
    return part | {"config": config}


def _with_input_layer(layers: list) -> list:
    """Add an InputLayer to a Sequential model: in Keras 2, the first layer held the input shape instead."""
    first = layers[0] if layers and isinstance(layers[0], dict) else {}
    config = first.get("config")
    if first.get("class_name") == "InputLayer" or not isinstance(config, dict) or "batch_input_shape" not in config:
        return layers
    shape = {"batch_input_shape": config["batch_input_shape"], "dtype": config.get("dtype", "float32")}
    input_layer = {"class_name": "InputLayer", "config": shape | {"name": "input"}}
    rest = {key: value for key, value in config.items() if key != "batch_input_shape"}
    return [input_layer, first | {"config": rest}, *layers[1:]]
