"""How new the schema of this version is."""

from typing import Final

SCHEMA_REVISION: Final = 338
"""How many fields both schemas have: one with fewer, of an earlier version, would drop some.

It is written down here, and not counted at each start, because the operator needs nothing else of
the schemas; the tests count.
"""
