"""Open pictures, convert them to arrays, and transform arrays."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "opening": [
            "FRAMINGS",
            "MAX_BYTES",
            "MAX_INPUT",
            "MAX_PIXELS",
            "MAX_SIDE",
            "Picture",
            "PictureError",
            "Source",
            "WORKING_SIDE",
            "open_picture",
            "read_picture",
            "to_input",
        ]
    },
)
