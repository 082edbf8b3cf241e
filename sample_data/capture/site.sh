# shellcheck shell=bash
# The small site that the capture runs on: seven Debian containers on one bridge, each with its own root, host name and network.
# Sourced by capture.sh.

SITE=${SITE:-/var/tmp/site}
HOSTS=(gw01 web01 db01 mail01 app01 file01 log01)
declare -A ADDRESS=([gw01]=1 [web01]=11 [db01]=12 [mail01]=13 [app01]=14 [file01]=15 [log01]=16)
DOMAIN=example.net
# What the outside world is called: addresses of the documentation ranges, all on one "internet" side of gw01.
OUTSIDE=(203.0.113.7 203.0.113.45 203.0.113.99 198.51.100.23 198.51.100.77 192.0.2.44 192.0.2.150)

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*" >&2; }
die() { say "capture: $*"; exit 1; }

build_base() {
    [[ -e $SITE/base/.complete ]] && return
    local packages
    mapfile -t packages <"$HERE/packages.txt"
    mkdir -p "$SITE"
    [[ -d $SITE/base/etc ]] || debootstrap --variant=minbase \
        --include=systemd,systemd-sysv,dbus,ca-certificates,procps,iproute2,iputils-ping,kmod,udev \
        bookworm "$SITE/base" >"$SITE/debootstrap.log"
    printf '#!/bin/sh\nexit 101\n' >"$SITE/base/usr/sbin/policy-rc.d"
    chmod 755 "$SITE/base/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf "$SITE/base/etc/resolv.conf"
    mount -t proc proc "$SITE/base/proc"
    DEBIAN_FRONTEND=noninteractive chroot "$SITE/base" apt-get install -y --no-install-recommends \
        -o Dpkg::Options::=--force-unsafe-io "${packages[@]}" >"$SITE/packages.log"
    umount "$SITE/base/proc"
    quiet_base
    touch "$SITE/base/.complete"
}

# Every service is off; a daemon's script turns its own on.
quiet_base() {
    local keep='^(systemd-|dbus|getty|console|rc-local|rsyslog)'
    rm -f "$SITE/base/usr/sbin/policy-rc.d" "$SITE/base/etc/ssh/"ssh_host_*
    chroot "$SITE/base" systemctl list-unit-files --state=enabled --no-legend --type=service,socket,timer,path |
        awk '{print $1}' | grep -Ev "$keep" |
        xargs -r chroot "$SITE/base" systemctl disable --quiet 2>/dev/null || true
    local script
    for script in "$SITE/base/etc/init.d/"*; do   # what is only a SysV script is not in that list
        chroot "$SITE/base" update-rc.d "${script##*/}" disable 2>/dev/null || true
    done
    chroot "$SITE/base" systemctl mask --quiet systemd-resolved systemd-networkd-wait-online systemd-timesyncd \
        apt-daily.timer apt-daily-upgrade.timer 2>/dev/null || true
    : >"$SITE/base/etc/machine-id"
    find "$SITE/base/var/log" -type f -delete
}

make_networks() {
    ip link add site0 type bridge 2>/dev/null || true
    ip link set site0 up
    sysctl -qw net.netfilter.nf_log_all_netns=1
    local host
    for host in "${HOSTS[@]}" outside client; do
        ip netns add "$host"
        ip -n "$host" link set lo up
    done
    for host in "${HOSTS[@]}"; do
        ip link add "v-$host" type veth peer name eth0 netns "$host"
        ip link set "v-$host" master site0 up
        ip -n "$host" addr add "10.20.30.${ADDRESS[$host]}/24" dev eth0
        ip -n "$host" link set eth0 up
        [[ $host == gw01 ]] || ip -n "$host" route add default via 10.20.30.1
    done
    ip -n gw01 link add eth1 type veth peer name wan netns outside
    ip -n gw01 addr add 203.0.113.1/24 dev eth1
    ip -n gw01 link set eth1 up
    ip -n outside link set wan up
    ip -n outside addr add 203.0.113.2/24 dev wan
    local address
    for address in "${OUTSIDE[@]}"; do
        ip -n outside addr add "$address/32" dev wan
    done
    ip -n outside route add default via 203.0.113.1
    ip -n gw01 route add 198.51.100.0/24 dev eth1
    ip -n gw01 route add 192.0.2.0/24 dev eth1
    ip -n gw01 link add eth2 type veth peer name lan0 netns client
    ip -n gw01 addr add 192.168.50.1/24 dev eth2
    ip -n gw01 link set eth2 up
    ip -n client link set lan0 up
    ip netns exec gw01 sysctl -qw net.ipv4.ip_forward=1
}

make_host() {
    local host=$1 root=$SITE/$1/root other
    mkdir -p "$root" "$SITE/$host/upper" "$SITE/$host/work"
    mount -t overlay overlay -o "lowerdir=$SITE/base,upperdir=$SITE/$host/upper,workdir=$SITE/$host/work" "$root"
    echo "$host" >"$root/etc/hostname"
    printf 'nameserver 10.20.30.1\nsearch %s\n' "$DOMAIN" >"$root/etc/resolv.conf"
    {
        echo '127.0.0.1 localhost'
        for other in "${HOSTS[@]}"; do
            echo "10.20.30.${ADDRESS[$other]} $other.$DOMAIN $other"
        done
    } >"$root/etc/hosts"
    mkdir -p "$root/opt/capture"
}

# Starts systemd as pid 1 of a container that has all capabilities in its own namespaces, and notes its pid.
boot_host() {
    local host=$1
    local group
    for group in /sys/fs/cgroup{,/systemd,/unified}; do   # its own branch: else all systemds would share one and kill each other's
        [[ -w $group/cgroup.procs ]] && mkdir -p "$group/$host" && printf '%s\n' "$group/$host/cgroup.procs"
    done >"$SITE/$host/groups"
    start_in_group "$host" systemd-nspawn --quiet --keep-unit --register=no --boot --directory="$SITE/$host/root" --hostname="$host" \
        --network-namespace-path="/run/netns/$host" --capability=all --bind=/dev/net/tun \
        --bind-ro="$HERE:/opt/capture" --resolv-conf=off --timezone=off --link-journal=no \
        --console=pipe </dev/null >"$SITE/$host/console" 2>&1 &
    echo $! >"$SITE/$host/nspawn.pid"
}

start_in_group() {
    local group
    while read -r group; do echo "$BASHPID" >"$group"; done <"$SITE/$1/groups"
    exec "${@:2}"
}

leader_of() {   # the first process of a host, as its machine sees it; nothing when the host is down
    [[ ! -e $SITE/$1/nspawn.pid ]] || pgrep -P "$(<"$SITE/$1/nspawn.pid")" | head -n 1 || true
}

in_host() {
    local host=$1
    shift
    setsid --wait nsenter --target "$(leader_of "$host")" --mount --uts --ipc --net --pid \
        env -i -C / PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8 "$@" </dev/null
}

# Up, or after a minute at least answering: a unit that a fault has left hanging must not stop the capture.
wait_for_boot() {
    local host=$1 tries=0 state
    until state=$(in_host "$host" systemctl is-system-running 2>/dev/null) || [[ $state == degraded ]]; do
        if ((++tries >= 60)); then
            [[ $state == starting ]] && return
            die "$host did not boot: see $SITE/$host/console"
        fi
        sleep 1
    done
}

# Powers all hosts off and forgets them: only what this script started, by its pid.
halt_hosts() {
    local host pid
    for host in "${HOSTS[@]}"; do
        [[ -e $SITE/$host/nspawn.pid ]] || continue
        pid=$(leader_of "$host")
        [[ -z $pid ]] || kill -s RTMIN+4 "$pid" || true   # systemd: power off
    done
    for host in "${HOSTS[@]}"; do
        [[ -e $SITE/$host/nspawn.pid ]] || continue
        pid=$(<"$SITE/$host/nspawn.pid")
        timeout 40 tail --pid="$pid" -f /dev/null || kill -KILL "$(leader_of "$host")" "$pid" 2>/dev/null || true
        rm -f "$SITE/$host/nspawn.pid"
    done
}

# Down with everything: hosts, then the mounts, groups and namespaces that this script made.
stop_site() {
    local host
    halt_hosts
    for host in "${HOSTS[@]}"; do
        umount -R "$SITE/$host/root" 2>/dev/null || true
        find /sys/fs/cgroup{,/systemd,/unified}/"$host" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    done
    for host in outside client; do umount -R "$SITE/$host/root" 2>/dev/null || true; done
    for host in "${HOSTS[@]}" outside client; do
        ip netns del "$host" 2>/dev/null || true
    done
    sysctl -qw net.netfilter.nf_log_all_netns=0
    ip link del site0 2>/dev/null || true
}
