# shellcheck shell=bash
# systemd itself: units that fail in every way, timers, mounts that do not come, temporary files, package removals.
HOSTS_OF="db01 app01 web01 file01"
AT_LEAST=60

setup() {
    local typed='Type=oneshot'
    unit nightly-report '/bin/bash -c "echo writing the report; sleep 1; exit 0"' 'Nightly report' "$typed"
    unit import-orders '/bin/bash -c "echo reading orders.csv; echo cannot parse line 41 >&2; exit 4"' 'Import of orders' "$typed"
    unit missing-binary '/usr/local/bin/not-there --serve' 'Service without a program'
    unit flapping '/bin/bash -c "sleep 0.3; exit 1"' 'Flapping service' $'Restart=always\nRestartSec=200ms'
    unit hanging '/bin/bash -c "trap : TERM; while true; do sleep 1; done"' 'Service that will not stop' 'TimeoutStopSec=3'
    unit slow-start '/bin/sleep 30' 'Service that never says ready' $'Type=notify\nTimeoutStartSec=3'
    unit no-user '/bin/true' 'Service of a user who is gone' 'User=ghost'
    unit no-dir '/bin/true' 'Service in a folder that is gone' 'WorkingDirectory=/srv/gone'
    unit crasher '/bin/bash -c "kill -SEGV 0"' 'Service that crashes'
    printf '[Unit]\nDescription=Report every few seconds\n[Timer]\nOnUnitActiveSec=20s\nOnActiveSec=1s\nUnit=nightly-report.service\n' >/etc/systemd/system/nightly-report.timer
    printf '[Unit]\nDescription=Share of the old server\n[Mount]\nWhat=/dev/disk/by-label/old\nWhere=/srv/old\nType=ext4\nTimeoutSec=4\n' >/etc/systemd/system/srv-old.mount
    printf '[Unit]\nDescription=Needs what fails\nRequires=import-orders.service\nAfter=import-orders.service\n[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/dependent.service
    printf '[Unit]\nDescription=Wrong key\n[Service]\nExecStrat=/bin/true\nExecStart=/bin/true\nRestart=sometimes\n' >/etc/systemd/system/typo.service
    printf 'd /srv/scratch 0755 nosuchuser root 1d\nq! /srv/x 99999 root\nR /srv/scratch/*\n' >/etc/tmpfiles.d/site.conf
    systemctl daemon-reload
    quiet systemctl start nightly-report.timer
}
load() {
    local unit
    for unit in nightly-report import-orders missing-binary flapping slow-start no-user no-dir crasher dependent typo; do
        quiet systemctl start --no-block "$unit"
    done
    quiet systemctl start hanging
    quiet systemctl start srv-old.mount
    quiet systemd-tmpfiles --create --clean /etc/tmpfiles.d/site.conf
    quiet systemctl stop hanging
    quiet systemctl start systemd-tmpfiles-clean
    quiet systemctl daemon-reload
    quiet systemd-run --unit="batch$ROUND" --property=RuntimeMaxSec=2 sleep 20
    quiet systemd-run --scope --unit="job$ROUND" true
    quiet busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager ListSessions
    quiet hostnamectl set-deployment staging; quiet timedatectl set-timezone Europe/Nowhere; quiet localectl status
    sleep 2
    quiet systemctl reset-failed
    [[ $(hostname) == app01 ]] && case $ROUND in
    1) DEBIAN_FRONTEND=noninteractive quiet apt-get -y remove cups-client git whois ;;
    2) DEBIAN_FRONTEND=noninteractive quiet apt-get -y purge varnish pdns-server corosync unbound ;;
    3) echo 'exit 1' >>/var/lib/dpkg/info/spamc.prerm; DEBIAN_FRONTEND=noninteractive quiet apt-get -y purge spamc spamassassin ;;
    esac
    true
}
proof() { tagged systemd systemd-tmpfiles; }
