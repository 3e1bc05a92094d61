"""Texts that would mean something else in a path, a query or a selector than a name does."""

from hypothesis import strategies as st

HOSTILE = (
    "../../victim/secrets/prod-routes",
    "../../../secrets",
    "..",
    ".",
    "a/../b",
    "/",
    "a/",
    "x?watch=true",
    "x#y",
    "x&y=z",
    "x,metadata.namespace!=evil",
    "x=y",
    "%2e%2e%2fvictim",
    "a%2Fb",
    "..%c0%af",
    "\uff0e\uff0e\uff0fvictim",
    "\u2025/x",
    "s\u0435cret",  # a Cyrillic letter
    "\u0661",
    "secret\n",
    "\nsecret",
    "secret\r\nHost: x",
    "secret\x00",
    " secret",
    "secret ",
    "Secret",
    "a" * 10_000,
    "a." * 500 + "a",
    "\u202esecret",
    "..\\..\\x",
)
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.sampled_from("ab.-_/?#%&=,\\\n \uff0f"), min_size=1, max_size=12),
)
