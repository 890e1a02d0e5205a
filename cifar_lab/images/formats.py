"""The supported picture formats, and the detection of formats by a file's first bytes."""

# JPEG includes MPO, which many phones write: a JPEG followed by more pictures.
ACCEPTED = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
IN_WORDS = "JPEG, PNG, WebP, GIF or BMP"
EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"%PDF", "PDF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"<svg", "SVG"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"8BPS", "Photoshop"),
)
_ISO_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys((b"heic", b"heix", b"heif", b"mif1", b"msf1"), "HEIC")


def recognise(content: bytes) -> str:
    """Return the name of a file's format, such as `"JPEG"` or `"HEIC"`; empty if it is unknown."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp":
        return _ISO_BRANDS.get(content[8:12], "")
    start = content[:1024].lstrip()
    if start.startswith(b"<?xml") and b"<svg" in start:
        return "SVG"
    return next((name for signature, name in _SIGNATURES if content.startswith(signature)), "")
