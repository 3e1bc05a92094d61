"""Label selectors over Namespaces, as Kubernetes has them, with bounds."""

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from attrs import frozen

from natsctl.api.fields import Rule, described
from natsctl.api.labels import key_problems, label_problems
from natsctl.api.problems import Problem, shown
from natsctl.api.texts import LABEL_KEY, LABEL_VALUE

OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")
TERMS_MAX: Final = 32
"""Labels, and expressions, of one selector: it is evaluated for many namespaces."""
VALUES_MAX: Final = 64

_WITH_VALUES: Final = ("In", "NotIn")
_VALUES: Final = Rule(
    "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
    "In and NotIn need values; Exists and DoesNotExist take none",
)


@frozen
class NamespaceRequirement:
    """A condition on one label of a namespace."""

    key: str = described("Key of the label.", text=LABEL_KEY)
    operator: str = described(
        "In and NotIn compare the label with values; Exists and DoesNotExist check whether it "
        "exists. NotIn also matches if the namespace does not have the label.",
        enum=OPERATORS,
    )
    values: tuple[str, ...] = described(
        "Values for In and NotIn; omit them for Exists and DoesNotExist.",
        default=(),
        max_items=VALUES_MAX,
        text=LABEL_VALUE,
    )


@frozen
class NamespaceSelector:
    """Selects namespaces by their labels; all conditions have to hold."""

    match_labels: Mapping[str, str] = described(
        "Labels that a namespace must have, with these values.",
        factory=dict,
        max_items=TERMS_MAX,
        text=LABEL_VALUE,
        nulls=True,
    )
    match_expressions: tuple[NamespaceRequirement, ...] = described(
        "Additional conditions on the labels of a namespace.",
        default=(),
        max_items=TERMS_MAX,
        item_rules=(_VALUES,),
    )


class Expression(Protocol):
    """One of `matchExpressions`, of whatever selector."""

    @property
    def key(self) -> str: ...

    @property
    def operator(self) -> str: ...

    @property
    def values(self) -> tuple[str, ...]: ...


def selector_problems(
    labels: Mapping[str, str], expressions: tuple[Expression, ...], path: str
) -> Iterator[Problem]:
    """Labels that cannot be, and expressions that say nothing."""
    yield from label_problems(labels, f"{path}.matchLabels")
    for index, each in enumerate(expressions):
        yield from _expression(each, f"{path}.matchExpressions[{index}]")


def _expression(given: Expression, path: str) -> Iterator[Problem]:
    if any(key_problems({given.key: ""}, path)):
        message = f"{shown(given.key)} is not {LABEL_KEY.what}; {LABEL_KEY.help}"
        yield Problem(f"{path}.key", shown(given.key), message)
    for index, value in enumerate(given.values):
        if wrong := LABEL_VALUE.problem(value):
            yield Problem(f"{path}.values[{index}]", shown(value), wrong)
    if (given.operator in _WITH_VALUES) != bool(given.values):
        yield Problem(f"{path}.values", shown(list(given.values)), _VALUES.message)
