"""What every step of the demo needs."""

from __future__ import annotations

import attrs

from demo.clusters import Watched
from demo.follow import Follower
from demo.kubectl import Kubectl
from demo.place import Place
from demo.teller import Teller


@attrs.frozen
class Stage:
    """Where the demo takes place, and who watches and tells what happens there."""

    place: Place
    kubectl: Kubectl
    teller: Teller
    clusters: Follower
    pods: Follower

    def watched(self, name: str) -> Watched:
        """A cluster under observation."""
        alive = self.place.operator.alive
        return Watched(name, self.kubectl, self.teller, alive, self.clusters, self.pods)

    async def do(self, *arguments: str) -> None:
        """Run kubectl, and show the command with what it printed."""
        printed = (await self.kubectl.run(*arguments)).strip()
        self.teller.say(f"$ kubectl {' '.join(arguments)}\n{printed}")
