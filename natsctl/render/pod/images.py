"""References to images: repositories with a tag, or with a digest instead."""


def with_tag(image: str, tag: str) -> str:
    """The image with a tag, unless it is pinned by a digest already."""
    return image if "@" in image else f"{image}:{tag}"


def image_of(image: str | None, tag: str | None, usual: str, otherwise: str) -> str:
    """The image that a spec names, by what it leaves out being as in `usual`.

    A spec that names neither image nor tag gets `otherwise`.
    """
    if not image and not tag:
        return otherwise
    repository, _, default = usual.rpartition(":")
    chosen = image or repository
    *_, last = chosen.split("/")
    if not tag and ":" in last:
        return chosen
    return with_tag(chosen, tag or default)
