#!/bin/bash
# Captures the sample archives: boots a small site of real Debian hosts in containers, lets its daemons work and fail for three
# rounds, rotates their logs between the rounds, and copies what they wrote into ../logs. Root on Debian 12; about
# twenty minutes; needs debootstrap, systemd-container, zstd, bzip2, xz-utils and the network once, for the packages.
#
#   capture.sh            everything
#   capture.sh base       only build the root that all hosts share (kept between runs)
#   capture.sh stop       take down what an interrupted run left
set -euo pipefail
shopt -s extglob nullglob

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=site.sh
source "$HERE/site.sh"
# shellcheck source=archive.sh
source "$HERE/archive.sh"

# The order matters: what others talk to comes first.
DAEMONS=(rsyslog users cron sshd bind9 chrony firewall dhcp postgresql mariadb redis postfix dovecot nginx haproxy apache2 squid fileserver vpn apps containers units)

hosts_of() { bash -c 'source "$1"; echo "$HOSTS_OF"' _ "$HERE/daemons/$1.sh"; }
run_inside() { in_host "$1" bash /opt/capture/daemons/run.sh "$2" "$3" "${4:-1}" || say "$2 $3 on $1: exit $?"; }
run_outside() {
    ip netns exec outside nice chroot "$SITE/outside/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        bash /opt/capture/daemons/run.sh "$1" attack "$2" </dev/null || say "$1 from outside: exit $?"
}

make_keys() {   # invented keys: two for ssh (one nobody accepts), a small authority for openvpn
    local keys=$SITE/keys name
    mkdir -p "$keys" && cd "$keys"
    for name in deploy stray; do [[ -e $name ]] || ssh-keygen -q -t ed25519 -N '' -C "$name@example.net" -f "$name"; done
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=Site CA' -keyout ca.key -out ca.crt 2>/dev/null
    for name in server client; do
        openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout $name.key -out $name.csr 2>/dev/null
        openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out $name.crt 2>/dev/null
    done
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=stray' -keyout stray.key -out stray.crt 2>/dev/null
    cd - >/dev/null
}

give_keys() { mkdir -p "$SITE/$1/root/opt/keys" && cp -p "$SITE/keys/"* "$SITE/$1/root/opt/keys/"; }

boot() {
    local host
    make_networks
    for host in "${HOSTS[@]}" outside client; do make_host "$host"; give_keys "$host"; done
    cp -r "$HERE/." "$SITE/outside/root/opt/capture"
    boot_hosts
}

boot_hosts() {
    local host
    for host in "${HOSTS[@]}"; do boot_host "$host"; done
    for host in "${HOSTS[@]}"; do wait_for_boot "$host"; done
}

setup() {
    local daemon host waiting
    for daemon in "${DAEMONS[@]}"; do
        say "set up $daemon"
        waiting=()
        for host in $(hosts_of "$daemon"); do run_inside "$host" "$daemon" setup & waiting+=($!); done
        wait "${waiting[@]}"
    done
}

round() {
    local number=$1 daemon host
    for daemon in "${DAEMONS[@]}"; do
        say "round $number: $daemon"
        run_outside "$daemon" "$number" &
        local waiting=($!)
        for host in $(hosts_of "$daemon"); do run_inside "$host" "$daemon" load "$number" & waiting+=($!); done
        [[ $daemon != dhcp ]] || { dhcp_clients "$number"; run_inside gw01 dhcp after "$number"; }
        wait "${waiting[@]}"
    done
    kernel_faults "$number"
}

# Clients of the LAN: each new hardware address is a new machine.
dhcp_clients() {
    local i
    for ((i = 1; i <= 9; i++)); do
        ip -n client link set lan0 down
        ip -n client link set lan0 address "02:50:00:00:0$1:$(printf %02x $((i * 11)))" up
        ip netns exec client timeout 6 chroot "$SITE/client/root" dhclient -1 -v -pf "/run/dhclient.pid" lan0 >/dev/null 2>&1 || true
        ((i % 3)) || ip netns exec client timeout 5 chroot "$SITE/client/root" dhclient -r -pf /run/dhclient.pid lan0 >/dev/null 2>&1 || true
        kill "$(cat "$SITE/client/root/run/dhclient.pid" 2>/dev/null)" 2>/dev/null || true
    done
}

# Real kernel messages: a process over its memory limit, a broken file system, a program that reads address 0.
kernel_faults() {
    local group=/sys/fs/cgroup/memory/system.slice/tomcat10.service image=$SITE/faulty.img
    mkdir -p "$group"
    echo 24M >"$group/memory.limit_in_bytes"
    (
        echo "$BASHPID" >"$group/cgroup.procs"
        exec nsenter --target "$(leader_of app01)" --mount --uts --pid python3 -c 'x = [bytes([i % 256]) * 1048576 for i in range(200)]'
    ) >/dev/null 2>&1 || true
    in_host app01 python3 -c 'import ctypes; ctypes.string_at(0)' >/dev/null 2>&1 || true
    truncate -s 16M "$image" && mkfs.ext4 -qF "$image"
    local at=$SITE/faulty
    mkdir -p "$at"
    if mount -o loop,errors=continue "$image" "$at"; then
        mkdir "$at/data"
        cp "$HERE"/daemons/* "$at/data"
        sync -f "$at"
        umount "$at"
        debugfs -w -R 'clri data' "$image" >/dev/null 2>&1
        mount -o loop,errors=remount-ro "$image" "$at"
        find "$at" >/dev/null 2>&1 || true
        umount "$at"
        dd if=/dev/zero of="$image" bs=1k seek=1 count=1 conv=notrunc status=none
        mount -o loop "$image" "$at" 2>/dev/null || true
    fi
    rmdir "$group" 2>/dev/null || true
    say "kernel faults of round $1 done"
}

# Hands the kernel's new messages to the hosts that they belong to, through the /proc/kmsg that their imklog reads.
# Lines that name the machine's own hypervisor or its command line stay out; the boot messages go to db01, once.
feed_kernel() {
    local since=0
    [[ -e $SITE/kernel.since ]] && since=$(<"$SITE/kernel.since")
    dmesg --raw | sed -E "s/$(uname -r)/6.1.0-31-amd64/g" |
        awk -F'[][ ]+' -v since="$since" '$2 + 0 > since + 0' >"$SITE/kernel.new"
    [[ -s $SITE/kernel.new ]] || return 0
    tail -n 1 "$SITE/kernel.new" | sed -E 's/^<[0-9]+>\[ *([0-9.]+)\].*/\1/' >"$SITE/kernel.since"
    if [[ $since == 0 ]]; then
        kernel_to db01 '' 'FW |site0|v-|eth0'
        return
    fi
    kernel_to gw01 'FW |eth[12]|tun[0-9]' '$^'
    kernel_to db01 'EXT4|loop[0-9]|JBD2|I/O|Buffer|erofs|XFS|journal' 'FW '
    kernel_to web01 'v-|site0|eth0|renamed|promiscuous' 'FW '
    kernel_to app01 '' 'FW |eth[0-9]|tun[0-9]|EXT4|loop[0-9]|JBD2|I/O|Buffer|erofs|XFS|journal|v-|site0|renamed|promiscuous'
}

feed_kernel_on() {   # beside everything else, every two seconds
    while sleep 2; do feed_kernel; done &
    FEEDER=$!
}

# kernel_to HOST WITH WITHOUT
kernel_to() {
    grep -E -- "$2" "$SITE/kernel.new" | grep -Ev -- "$3" | grep -Eiv "$MACHINE" |
        timeout 5 dd of="/proc/$(leader_of "$1")/root/proc/kmsg" bs=4k status=none conv=notrunc || true
}

rotate() {
    local host
    for host in "$@"; do
        in_host "$host" logrotate -f "/opt/capture/rotate/$host.conf" || say "rotation on $host failed"
    done
}

# A daemon that logged too little is a failed capture.
prove() {
    local daemon host least lines
    for daemon in "${DAEMONS[@]}"; do
        least=$(bash -c 'source "$1"; echo "$AT_LEAST"' _ "$HERE/daemons/$daemon.sh")
        for host in $(hosts_of "$daemon"); do
            lines=$(run_inside "$host" "$daemon" proof | wc -l)
            say "$(printf '%-11s %-7s %6d lines' "$daemon" "$host" "$lines")"
            ((lines >= least)) || failed+=("$daemon on $host: $lines lines, at least $least expected")
        done
    done
}

main() {
    local number failed=()
    ((EUID == 0)) || die "must run as root: it makes containers"
    rm -rf --one-file-system "${SITE:?}/"{outside,client,gw01,web01,db01,mail01,app01,file01,log01} "$SITE/"kernel.*
    renice -n 10 $$ >/dev/null
    build_base
    make_keys
    trap 'kill "${FEEDER:-}" 2>/dev/null; stop_site' EXIT
    boot
    setup
    feed_kernel_on
    for number in 1 2 3; do
        round "$number"
        ((number == 3)) || rotate "${HOSTS[@]}"
        ((number != 2)) || { halt_hosts; boot_hosts; }
    done
    prove
    export_journals
    rotate gw01 app01 file01 log01   # keeps what is committed small; the other hosts keep a newest plain file
    collect "$HERE/../logs"
    python3 "$HERE/table.py" "$HERE/../logs" "$HERE/../README.md"
    ((${#failed[@]} == 0)) || die "too little was logged: $(printf '%s; ' "${failed[@]}")"
    say "done"
}

[[ ${BASH_SOURCE[0]} == "$0" ]] || return 0   # sourced, to try one part
case ${1:-all} in
all) main ;;
base) build_base ;;
stop) stop_site ;;
*) die "unknown word '$1': capture.sh [all|base|stop]" ;;
esac
