"""Networks in files of Keras, opened only if they are made of stock layers.

A file of Keras can hold code: a Lambda layer does, and a layer of somebody's own names what to import. Keras refuses
the worst of it when it loads in safe mode; here the description is read first, as plain JSON, and everything that it
names has to be on our list. Even so, no reader of such files is free of mistakes: import only files of your own.
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
_IN_OTHER_WORDS = {"softmax_v2": "softmax"}  # of TensorFlow 2.0


class KerasFileError(ValueError):
    """A file is no network that is opened; the sentence says why, and what to do."""


def load_keras_file(content: bytes, name: str) -> keras.Model:
    """Open a network from the content of a `.keras` file, or of an `.h5` file from Keras 3, 2 or 1.

    Args:
        content: of the file.
        name: of the file, for errors.

    Returns:
        The Keras model, without optimiser and loss.

    Raises:
        ForeignNetworkError: it is no such file, it holds weights only, it names something that is not a stock layer, or
            Keras cannot make the network.
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
        except Exception as error:  # whatever Keras makes of a description that does not fit itself or its weights
            problem = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise KerasFileError(f"{name} cannot be read by Keras {keras.__version__}: {problem}") from error


def _checked_h5(folder: Path, content: bytes, name: str) -> Path:
    """Write the file anew, with the description as it was checked."""
    path = folder / "network.h5"
    path.write_bytes(content)
    try:
        with h5py.File(path, "r+") as file:
            if "model_config" not in file.attrs:
                raise KerasFileError(
                    f"{name} holds weights, but no network. Save both together: model.save('network.keras')."
                )
            found = file.attrs["model_config"]
            file.attrs["model_config"] = json.dumps(_checked(found, name))
            if "training_config" in file.attrs:
                del file.attrs["training_config"]
    except KerasFileError:
        raise
    except Exception as error:  # whatever h5py makes of a damaged file
        raise KerasFileError(f"{name} is cut off or damaged: {error}") from error
    return path


def _checked_keras(folder: Path, content: bytes, name: str) -> Path:
    """Write a new file with the description as it was checked and the weights, and nothing else of the old one."""
    given, path = folder / "given.keras", folder / "network.keras"
    given.write_bytes(content)
    try:
        description = _checked(archive.read_member(given, _CONFIG, limit=_MAX_CONFIG), name)
        weights = archive.read_member(given, _WEIGHTS)
    except archive.ArchiveError as error:
        raise KerasFileError(str(error).replace(str(given), name)) from None
    with zipfile.ZipFile(path, "w") as file:
        for part, text in ((_CONFIG, description), (_METADATA, {"keras_version": keras.__version__})):
            file.writestr(part, json.dumps(text))
        file.writestr(_WEIGHTS, weights)
    return path


def _checked(text: str | bytes, name: str) -> dict:
    """The description of a network, if all that it names is on our list.

    Raises:
        ForeignNetworkError: something is not, or the text is no description.
    """
    if not isinstance(text, str | bytes) or len(text) > _MAX_CONFIG:
        raise KerasFileError(f"{name} has no description of its network, or one of more than {_MAX_CONFIG:,} bytes.")
    try:
        return _checked_part(json.loads(text), name)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise KerasFileError(f"{name} is damaged: the description of its network cannot be read ({error}).") from error


def _checked_part(part, name: str):
    if isinstance(part, list):
        return [_checked_part(inner, name) for inner in part]
    if not isinstance(part, dict):
        return part
    if "class_name" in part:
        _check_names(part, name)
        part = _in_new_words(part)
    # How a part was compiled is not needed, and would be made anew, whatever it names.
    kept = {key: _checked_part(value, name) for key, value in part.items() if key != "compile_config"}
    for key, value in kept.items():
        if key.endswith("activation") and isinstance(value, str):
            kept[key] = _checked_activation(_IN_OTHER_WORDS.get(value, value), name)
    return kept


def _check_names(part: dict, name: str) -> None:
    """See that a part is of a stock class, from where Keras has it."""
    kind, module, registered = part["class_name"], part.get("module"), part.get("registered_name")
    if kind in ("Lambda", "__lambda__"):
        raise KerasFileError(
            f"{name} has a Lambda layer, which is Python code in a file, and that is not run here. Build the network "
            "with a stock layer in its place (such as Rescaling), give it the weights with set_weights, and save that."
        )
    if kind == "function":
        _checked_activation(part.get("config"), name)
    elif not isinstance(kind, str) or kind not in _NAMES:
        raise KerasFileError(
            f"{name} has a {str(kind)[:60]!r}, which is not one of the stock layers of Keras for images, and others "
            "are not opened: they bring their own code. Build the network with stock layers, and save that."
        )
    if module not in (None, *_MODULES) or registered not in (None, kind, part.get("config")):
        origin = f"{module}, {registered}"
        raise KerasFileError(f"{name} names a {kind} of its own ({origin[:80]!r}), and only those of Keras are opened.")


def _checked_activation(activation, name: str) -> str:
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        raise KerasFileError(f"{name} has the activation {str(activation)[:60]!r}, which is none of Keras.")
    return activation


def _in_new_words(part: dict) -> dict:
    """A part as Keras 3 wants it, where older ones have said it in another way."""
    kind, config = part["class_name"], part.get("config")
    if kind == "Sequential" and isinstance(config, list):  # Keras before 2.2.3
        config = {"name": "sequential", "layers": config}
    if not isinstance(config, dict):
        return part
    if kind == "Sequential" and isinstance(config.get("layers"), list):
        config = config | {"layers": _with_entry(config["layers"])}
    if kind in ("Functional", "Model") and "module" not in part:  # one end was a list of one then
        ends = {key: config.get(key) for key in ("input_layers", "output_layers")}
        config = config | {key: end[0] for key, end in ends.items() if isinstance(end, list) and len(end) == 1}
    if kind == "DepthwiseConv2D" and config.get("groups") == 1:
        config = {key: value for key, value in config.items() if key != "groups"}
    return part | {"config": config}


def _with_entry(layers: list) -> list:
    """The layers of a Sequential model with an InputLayer: in Keras 2 the first one said what shape comes in."""
    first = layers[0] if layers and isinstance(layers[0], dict) else {}
    config = first.get("config")
    if first.get("class_name") == "InputLayer" or not isinstance(config, dict) or "batch_input_shape" not in config:
        return layers
    said = {"batch_input_shape": config["batch_input_shape"], "dtype": config.get("dtype", "float32")}
    entry = {"class_name": "InputLayer", "config": said | {"name": "input"}}
    rest = {key: value for key, value in config.items() if key != "batch_input_shape"}
    return [entry, first | {"config": rest}, *layers[1:]]
