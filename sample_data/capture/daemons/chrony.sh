# shellcheck shell=bash
# chrony: gw01 serves time, the others follow it, lose it and find it again; one source never answers.
HOSTS_OF="gw01 web01 db01 log01"
AT_LEAST=5

setup() {
    if [[ $(hostname) == gw01 ]]; then
        printf 'local stratum 8\nallow 10.20.30.0/24\nserver 192.0.2.252 iburst\ndriftfile /var/lib/chrony/drift\nlogchange 0.0001\n' >/etc/chrony/chrony.conf
    else
        printf 'server 10.20.30.1 iburst minpoll 3 maxpoll 3\nserver 192.0.2.252 iburst minpoll 3\nserver ntp.nowhere.invalid iburst\ndriftfile /var/lib/chrony/drift\nlogchange 0.0001\n' >/etc/chrony/chrony.conf
    fi
    sed -i 's/^DAEMON_OPTS=.*/DAEMON_OPTS="-x -F 0"/' /etc/default/chrony
    start chrony
}
load() {
    quiet chronyc offline; quiet chronyc online; quiet chronyc -n tracking
    [[ $(hostname) == gw01 ]] && { systemctl stop chrony; sleep 5; systemctl start chrony; }
    [[ $(hostname) == db01 && $ROUND == 2 ]] && { echo 'serverr x' >>/etc/chrony/chrony.conf; quiet systemctl restart chrony; sed -i '$d' /etc/chrony/chrony.conf; start chrony; }
    true
}
proof() { tagged chronyd; }
