"""The word lists of templates: which words tell what happened and never merge, and which introduce a name.

All are words of logs in general, compared in small letters and without the punctuation around them: English ones, and
of other languages those by which daemons tell an outcome.
"""

from clustering.words import TELLING

POLES = frozenset(
    (
        # outcome
        "ok okay success successful successfully succeed succeeded fail fails failed failure failing error errors "
        "errored fatal panic good bad pass passed done complete completed incomplete partial aborted abort cancelled "
        "canceled cancel timeout timedout expired valid invalid correct incorrect corrupt corrupted clean dirty "
        "healthy unhealthy degraded optimal normal abnormal critical warning warn info information notice debug trace "
        "alert emergency emerg crit err severe verbose fine finer finest major minor "
        # yes and no
        "true false yes no on off not none never always with without only "
        # allowed or not
        "allow allowed deny denied permit permitted forbid forbidden accept accepted reject rejected refuse refused "
        "drop dropped pass block blocked grant granted revoke revoked authorized unauthorized known unknown trusted "
        "untrusted secure insecure encrypted unencrypted "
        # there or not
        "up down online offline available unavailable present absent found missing exists existing reachable "
        "unreachable alive dead live ready unready busy idle full empty open opened close closed closing opening "
        "connect connected connecting disconnect disconnected attach attached detach detached join joined leave left "
        "enter entered exit exited in out login logout logon logoff linked unlinked mount mounted unmount unmounted "
        "umount bound unbound able unable enable enabled disable disabled active inactive activated deactivated "
        "loaded unloaded load unload "
        # going on
        "start started starting startup stop stopped stopping stops starts run running pause paused resume resumed "
        "suspend suspended restart restarted restarting reload reloaded reloading shutdown halt halted terminate "
        "terminated terminating kill killed begin began begun end ended finish finished launch launched spawn spawned "
        "reboot booted init initialized initializing create created creating delete deleted deleting destroy "
        "destroyed remove removed removing add added adding insert inserted update updated updating modify modified "
        "change changed unset clear cleared raise raised lock locked unlock unlocked commit committed rollback rolled "
        "install installed uninstall uninstalled upgrade upgraded downgrade downgraded register registered unregister "
        "unregistered deregistered subscribe subscribed unsubscribe unsubscribed read write reading writing read-only "
        "read-write readonly readwrite send sent sending receive received receiving request response reply push pull "
        "fetch save saved synced synchronized unsynchronized lost gained increase increased decrease decreased grow "
        "shrink expand retry retrying skip skipped ignore ignored pending queued waiting promoted demoted elected "
        "leader follower candidate master slave primary secondary standby replica learner observer voter upstream "
        "downstream inbound outbound incoming outgoing ingress egress previous more less high low higher lower above "
        "below over under before after max min maximum minimum hit miss internal external permanent temporary "
        "temporarily automatic full-sync resync up-to-date firing resolved acknowledged bounced deferred quarantined "
        "infected rotated archived verified unverified signed unsigned approved disapproved stable unstable poor "
        "overheat overheated undervoltage overvoltage overcurrent smoke flood flooded intrusion leak leaking banned "
        "unbanned throttled postponed delayed stalled stuck frozen thawed armed disarmed muted unmuted masked unmasked "
        "paired unpaired charging discharging charged discharged docked undocked plugged unplugged tripped "
        # what daemons say in German, French and Spanish
        "gestartet beendet gestoppt angehalten fortgesetzt abgebrochen fehlgeschlagen erfolgreich geladen entladen "
        "entfernt blockiert gesperrt entsperrt geöffnet geschlossen aktiviert deaktiviert verbunden getrennt gelöscht "
        "erstellt fehler warnung démarré démarrée arrêté arrêtée échoué échouée échec réussi réussie succès ouvert "
        "fermé activé désactivé connecté déconnecté bloqué débloqué supprimé créé erreur avertissement iniciado "
        "iniciada detenido detenida fallido fallida fallado éxito correcto correcta abierto cerrado activado "
        "desactivado conectado desconectado bloqueado desbloqueado eliminado creado advertencia"
    ).split()
)
"""Words of which another stands against them: up and down, started and paused, INFO and ERROR. Never variable."""

LOOSE_POLES = frozenset(
    (
        "backup restore local remote get put set post head patch options query public private first last next import "
        "export sync manual any all new old soft hard fresh stale green yellow red amber orange"
    ).split()
)
"""Words that tell as a rule, and are names as well (a user `backup`, a host `local`): variable where many words are."""

STRONG_POLES = frozenset(
    (
        "up down started stopped paused resumed opened closed success fail failed failure error accepted rejected "
        "allowed denied enabled disabled online offline connected disconnected available unavailable active inactive "
        "lost valid invalid true false ready not ok bad healthy unhealthy reachable unreachable added removed created "
        "deleted"
    ).split()
)
"""Of these the ones that tell even as a part of a compound."""

TELLS = TELLING | frozenset(
    (
        "state states status result results reason reasons level mode phase verdict outcome severity action type error "
        "errors warning fatal cause exception"
    ).split()
)
"""Words behind or before which stands what happened: `state X`, `X state`, `status: X`, `level=X`."""

STATES = frozenset(
    "state states status result level mode phase verdict outcome severity reason cause action type -> =>".split()
)
"""Of these the ones that tell even in prose: what stands next to them is no name."""

FUNCTION = frozenset(
    (
        "is was are were be been being to not no the a an has have had and or but will would can could may might "
        "must should did do does that this these those it its if when than then in out as"
    ).split()
)
"""Words before which anything may stand; they introduce nothing."""

NAMING = frozenset(
    (
        "user users username account login uid group role member owner principal identity caller author admin "
        "host hosts hostname server client clients peer neighbor neighbour node nodes machine address ip url uri "
        "domain site realm zone vrf network subnet vlan interface iface port endpoint route gateway file files "
        "filename directory dir folder path device dev disk volume drive mount mountpoint filesystem partition "
        "dataset share bucket object image snapshot archive symlink socket pipe service services unit process "
        "program command script module modules plugin extension driver library package packages class method "
        "function symbol component bundle app application task job thread worker container pod namespace cluster "
        "instance deployment target stack workload vm guest database db table relation column index schema view "
        "constraint sequence tablespace collection keyspace shard queue topic exchange channel stream "
        "subscription consumer producer listener handler connection session name named called key id identifier "
        "token tag label keyword option parameter param variable property attribute field setting directive "
        "header feature flag certificate cert issuer cn signal scheme policy rule chain profile region proxy "
        "provider algorithm cipher locale timezone event counter metric sensor project repository branch list"
    ).split()
)
"""Nouns that introduce a name."""

PREPOSITIONS = frozenset("for from by on at of into onto via through against using as within".split())
"""Words that introduce a name less surely. (`to` and `in` introduce verbs and states as often: they are not here.)"""

UNITS = frozenset(
    (
        "b kb mb gb tb pb kib mib gib tib byte bytes bit bits kbit mbit gbit kbps mbps gbps kb/s mb/s gb/s b/s "
        "bytes/s ns us ms msec msecs usec usecs nsec millis millisecond milliseconds microseconds nanoseconds s "
        "sec secs second seconds min mins minute minutes hr hrs hour hours day days week weeks % percent hz khz "
        "mhz ghz rpm ppm mv ma kw celsius"
    ).split()
)
"""Units: a number and its unit are one value."""

NULLS = frozenset(
    [
        "()",
        "[]",
        "{}",
        "<>",
        '""',
        "''",
        "(null)",
        "<null>",
        "[null]",
        "null",
        "nil",
        "(nil)",
        "n/a",
        "(none)",
        "<none>",
    ]
)
"""Ways to write that there is no value."""

LEVELS = frozenset(
    "info debug trace warn warning error err fatal critical crit notice alert emerg emergency severe verbose".split()
)
"""Severities: a template needs a constant word beside them."""

CALENDAR = frozenset(
    (
        "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august "
        "september october november december mon tue wed thu fri sat sun monday tuesday wednesday thursday friday "
        "saturday sunday am pm gmt utc est edt cst cdt mst mdt pst pdt cet cest eet eest bst ist msk jst"
    ).split()
)
"""Days, months and time zones: next to a number they are part of a time."""

EDGES = "()[]{}<>,;:.'\"!?`*#|"
"""Punctuation around a word that does not belong to it."""
