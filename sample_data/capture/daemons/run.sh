#!/bin/bash
# Runs one function of one daemon's script inside a container: run.sh NAME setup|load|attack|proof [ROUND].
# setup: configure and start; load: work and faults from inside; attack: the same from the outside network;
# proof: print what the daemon logged, which capture.sh counts. A function that a script lacks is skipped.
set -u
ROUND=${3:-1}
export ROUND

conf() { mkdir -p "$(dirname "$1")" && cat >"$1"; }              # write standard input to a configuration file
append() { cat >>"$1"; }
start() { systemctl reset-failed "$@" 2>/dev/null; systemctl enable --quiet "$@" 2>/dev/null; systemctl restart "$@"; }
quiet() { timeout 60 "$@" >/dev/null 2>&1 || true; }             # work whose outcome is in the log
wait_port() {
    local i
    for ((i = 0; i < 60; i++)); do
        (exec 3<>"/dev/tcp/${2:-127.0.0.1}/$1") 2>/dev/null && return
        sleep 0.5
    done
    echo "nothing listens on port $1" >&2
}
unit() {   # unit NAME COMMAND: a service of our own
    printf '[Unit]\nDescription=%s\n[Service]\nExecStart=%s\n%s\n[Install]\nWantedBy=multi-user.target\n' \
        "${3:-$1}" "$2" "${4:-}" >"/etc/systemd/system/$1.service"
    systemctl daemon-reload
}
kill_main() {   # kill_main UNIT [SIGNAL]
    local pid
    pid=$(systemctl show -P MainPID "$1")
    if ((pid > 1)); then kill -s "${2:-KILL}" "$pid"; else echo "$1 has no process to kill" >&2; fi
}
tagged() { local t args=(); for t in "$@"; do args+=(-t "$t"); done; journalctl --no-pager -o cat "${args[@]}"; }
of_unit() { local u args=(); for u in "$@"; do args+=(-u "$u"); done; journalctl --no-pager -o cat "${args[@]}"; }
loads() { timeout 75 python3 /opt/capture/loads.py "$@"; }

# shellcheck source=/dev/null
source "/opt/capture/daemons/$1.sh"
if declare -F "$2" >/dev/null; then "$2"; fi
