"""Condition JetStream in words: the worst first, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.types.jetstream import SIZE_FIELD
from natsctl.model.foreign import named
from natsctl.model.words import listed
from natsctl.plan.gates.quorum import State
from natsctl.plan.gates.words import text
from natsctl.plan.status.conditions import Verdict
from natsctl.plan.stores.lending import BELOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from natsctl.plan.gates.damaged import Damage
    from natsctl.plan.gates.seen import Seen

LOW, FILLING = 90, 80
"""Percent of the file store's limit, and of a volume. At the limit, streams lose their leaders; if
the volume is full, servers turn JetStream off."""
_MI: Final = 2**20
_MORE_ROOM: Final = f"raise {SIZE_FIELD} (and maxSize, if it is set), or delete messages"


@attrs.frozen
class Fullness:
    """Percent by pod: of the limits of stores, and of the volumes that these are on.

    `lent` is what is to be said of a reserve that servers have; empty: they have none. `way_out`
    is what to do about it.
    """

    stores: Mapping[str, int] = attrs.field(factory=dict)
    volumes: Mapping[str, int] = attrs.field(factory=dict)
    lent: str = ""
    way_out: str = _MORE_ROOM


def verdict_of(seen: Seen, full: Fullness) -> Verdict:
    """Whether every server has JetStream, every group its quorum, and every copy all messages."""
    found = (problem(seen, full) for problem in _PROBLEMS)
    worst = next((verdict for verdict in found if verdict is not None), None)
    return _and_low(worst, full) if worst is not None else _well(seen, full)


def _and_low(worst: Verdict, full: Fullness) -> Verdict:
    """With the stores that are nearly full: nothing that heals by itself should hide them."""
    low = _low_text(full)
    if not low or low == worst.message:
        return worst
    return attrs.evolve(worst, message=f"{worst.message}; {low}")


def _unknown(seen: Seen, _: Fullness) -> Verdict | None:
    if seen.quorum.state is not State.UNKNOWN:
        return None
    return Verdict("Unknown", "NobodyAnswers", "no server reports anything about JetStream")


def _lost(seen: Seen, _: Fullness) -> Verdict | None:
    if seen.quorum.state is not State.LOST:
        return None
    meta = ["the meta group"] if seen.quorum.meta_lost else []
    lost = listed([*meta, *(named(str(asset)) for asset in seen.quorum.lost)])
    return Verdict("False", "QuorumLost", f"without a leader, and so not available: {lost}")


def _damaged(seen: Seen, _: Fullness) -> Verdict | None:
    if not seen.damaged:
        return None
    return Verdict("False", "StreamDamaged", listed([_damage(seen, it) for it in seen.damaged]))


def _damage(seen: Seen, damage: Damage) -> str:
    less = _pods(seen, [name for name, _ in damage.less])
    said = f"stream {named(str(damage.asset))} lacks messages on {less}"
    full = (
        f"all messages are on {_pods(seen, damage.full)}" if damage.full else "no copy is complete"
    )
    return f"{said}, which leads it; {full}" if damage.leads else f"{said}; {full}"


def _disabled(seen: Seen, full: Fullness) -> Verdict | None:
    """The cause of what else is wrong then, which is told with it."""
    given_up = [name for name in seen.off if name in seen.gave_up]
    if not given_up:
        return None
    why = "its volume may be full, and it needs a restart once there is room"
    others = [it.message for find in (_lost, _off) if (it := find(seen, full)) is not None]
    said = [f"JetStream gave up on {_pods(seen, given_up)}: {why}", *others]
    return Verdict("False", "JetStreamDisabled", "; ".join(said))


def _off(seen: Seen, _: Fullness) -> Verdict | None:
    others = [name for name in seen.off if name not in seen.gave_up]
    if not others:
        return None
    text = f"JetStream is off on {_pods(seen, others)}"
    return Verdict("False", "ServersWithoutJetStream", text)


def _frozen(seen: Seen, full: Fullness) -> Verdict | None:
    """The same."""
    if not seen.frozen:
        return None
    assets = sorted({asset for assets in seen.frozen.values() for asset in assets})
    of = f" (such as {named(str(assets[0]))})" if assets else ""
    said = f"a write failed on {_pods(seen, seen.frozen)}, and streams no longer change there{of}"
    lost = _lost(seen, full)
    after = f"; {lost.message}" if lost is not None else ""
    return Verdict(
        "False", "StreamsFrozen", f"{said}: it needs a restart once there is room{after}"
    )


def _critical(seen: Seen, _: Fullness) -> Verdict | None:
    if seen.quorum.state is not State.CRITICAL:
        return None
    said = "a quorum is lost if one of these servers stops"
    text = f"{said}: {_pods(seen, seen.quorum.must_stay)}{_why(seen)}"
    return Verdict("False", "QuorumCritical", text)


def _silent(seen: Seen, _: Fullness) -> Verdict | None:
    if not seen.silent:
        return None
    return Verdict("False", "ServersNotAnswering", f"no answer from {_pods(seen, seen.silent)}")


def _low(_: Seen, full: Fullness) -> Verdict | None:
    text = _low_text(full)
    return Verdict("False", "StorageLent" if full.lent else "StorageLow", text) if text else None


def _low_text(full: Fullness) -> str:
    stores, volumes = _at_least(LOW, full.stores), _at_least(LOW, full.volumes)
    said = [full.lent] if full.lent else []
    if stores:
        until = "and streams have no leader once it is"
        said.append(f"the file store is nearly full on {listed(stores)}, {until}")
    if volumes:
        until = "and a server turns JetStream off once it is"
        said.append(f"the volume is nearly full on {listed(volumes)}, {until}")
    return f"{'; '.join(said)}: {full.way_out}" if said else ""


def lent_text(limit: str, normal: int) -> str:
    """What is said of a reserve: nothing that changes by itself."""
    least = normal * BELOW // 100 // _MI
    return (
        f"the file store reached its limit, so natsctl raised that to {limit} for the time being, "
        f"until no server has used more than {least}Mi for ten minutes; then servers restart, one "
        "at a time, with the normal limit"
    )


def _filling_text(full: Fullness) -> str:
    of = (("file store", full.stores), ("volume", full.volumes))
    found = ((what, _at_least(FILLING, percents)) for what, percents in of)
    more = f"more than {FILLING} % of the"
    said = [f"{more} {what} is used on {listed(on)}" for what, on in found if on]
    return f"{'; '.join(said)}: {full.way_out}" if said else ""


def _at_least(mark: int, percents: Mapping[str, int]) -> list[str]:
    return [pod for pod, percent in percents.items() if percent >= mark]


_PROBLEMS: Final[tuple[Callable[[Seen, Fullness], Verdict | None], ...]] = (
    *(_unknown, _disabled, _frozen, _lost, _damaged, _off),
    *(_critical, _silent, _low),
)


def _well(seen: Seen, full: Fullness) -> Verdict:
    """True, with what somebody may want to know."""
    if filling := _filling_text(full):
        return Verdict("True", "StorageFilling", filling)
    if seen.blocked:
        return Verdict("True", "RestartsBlocked", f"restarts would wait: {_blocks(seen)}")
    return Verdict("True", "Ready")


def _why(seen: Seen) -> str:
    return f"; {_blocks(seen)}" if seen.blocked else ""


def _blocks(seen: Seen) -> str:
    named_pods = (attrs.evolve(it, server=seen.pod_of(it.server)) for it in seen.blocked)
    return listed(list(dict.fromkeys(map(text, named_pods))))


def _pods(seen: Seen, servers: Iterable[str]) -> str:
    names: Sequence[str] = sorted(map(seen.pod_of, servers))
    return listed([named(name) for name in names])
