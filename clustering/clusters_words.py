"""Words that part clusters: two texts that stand on different sides of one matter are never one event.

A sentence encoder puts `VM started` nearer to `VM paused` than to `virtual machine is running`; so words decide.
"""

import re
from collections.abc import Iterable

from clustering.survivors import MASK

_MATTERS = """
ok okay success successful successfully succeed succeeded passed | fail fails failed failure failing failures
unsuccessful unsuccessfully error errors;
accept accepted accepting accepts | reject rejected rejecting refuse refused refusing rejects;
allow allowed allowing permit permitted grant granted | deny denied denying forbid forbidden block blocked drop
dropped revoke revoked;
start started starting starts startup begin began begun beginning launched launching | stop stopped stopping stops
halt halted halting shutdown terminate terminated terminating killed exited finished finish ended completed | pause
paused pausing suspend suspended suspending | resume resumed resuming | restart restarted restarting reboot rebooted
rebooting reload reloaded reloading;
up online alive reachable available | down offline dead unreachable unavailable;
open opened opening opens | close closed closing closes;
connect connected connecting connects | disconnect disconnected disconnecting disconnects;
login logon logged-in | logout logoff logged-out;
create created creating add added adding new insert inserted | delete deleted deleting destroy destroyed remove
removed removing drop dropped;
attach attached attaching | detach detached detaching;
mount mounted mounting | unmount unmounted unmounting umount;
load loaded loading | unload unloaded unloading;
enable enabled enabling activate activated | disable disabled disabling deactivate deactivated;
active | inactive;
valid verified trusted | invalid unverified untrusted expired;
lock locked locking | unlock unlocked unlocking;
healthy | unhealthy degraded;
install installed installing | uninstall uninstalled uninstalling | upgrade upgraded upgrading | downgrade
downgraded;
register registered registering | unregister unregistered deregistered;
increase increased increasing | decrease decreased decreasing;
promote promoted promoting | demote demoted demoting;
send sent sending sends | receive received receiving receives;
read reading reads | write writing writes written;
enter entered entering | leave left leaving exit exiting exits;
lost | restored recovered regained;
join joined joining | part parted;
true | false;
yes | no;
"""
"""Matters, parted by semicolons; their sides, parted by bars."""

_NOT = frozenset("not no never cannot can't couldn't didn't won't isn't wasn't without unable nothing none".split())
_WORD = re.compile(r"[a-z][a-z'-]*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

SEVERITIES = (
    frozenset("emerg emergency alert crit critical fatal panic err error severe".split()),
    frozenset("warn warning".split()),
    frozenset("notice info information debug trace".split()),
)


def _sides() -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for matter, line in enumerate(_MATTERS.split(";")):
        for side, words in enumerate(line.split("|")):
            for word in words.split():
                found.setdefault(word, []).append((matter, side))
    for side, told in enumerate(SEVERITIES):
        for word in told:
            found.setdefault(word, []).append((-1, side))
    return found


_SIDES = _sides()

Stance = tuple[dict[int, frozenset[int]], frozenset[str], frozenset[str]]
"""Of a text: the sides it names by matter, its words but for negations, its negations."""


def stance(text: str) -> Stance:
    """Read of a template where it stands."""
    words = frozenset(_WORD.findall(_CAMEL.sub(" ", text.replace(MASK, " ")).lower()))
    sides: dict[int, set[int]] = {}
    for word in words:
        for matter, side in _SIDES.get(word, ()):
            sides.setdefault(matter, set()).add(side)
    return {matter: frozenset(told) for matter, told in sides.items()}, words - _NOT, words & _NOT


def contradict(one: Stance, other: Stance) -> bool:
    """Tell whether two texts stand on different sides of a matter, or say the same but for a negation."""
    if any(matter in other[0] and not told & other[0][matter] for matter, told in one[0].items()):
        return True
    return one[1] == other[1] and bool(one[2]) != bool(other[2])


def contradicts_any(one: Stance, others: Iterable[Stance]) -> bool:
    """Tell whether a text contradicts one of several."""
    return any(contradict(one, other) for other in others)
