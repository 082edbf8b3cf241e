# shellcheck shell=bash
# sshd: wrong passwords, unknown users, keys, disconnects, failed negotiation, a broken configuration, a killed session.
HOSTS_OF="gw01 web01 db01 app01 log01"
AT_LEAST=120

setup() {
    ssh-keygen -q -A >/dev/null
    mkdir -p /run/sshd
    conf /etc/ssh/sshd_config.d/site.conf <<'C'
PasswordAuthentication yes
MaxAuthTries 4
LoginGraceTime 12
PermitRootLogin prohibit-password
DenyUsers bob
C
    [[ $(hostname) == gw01 ]] && printf 'LogLevel VERBOSE\nMaxStartups 6:60:12\n' >>/etc/ssh/sshd_config.d/site.conf
    install -d -o deploy -g deploy -m 700 /home/deploy/.ssh
    [[ -e /opt/keys/deploy.pub ]] && install -o deploy -g deploy -m 600 /opt/keys/deploy.pub /home/deploy/.ssh/authorized_keys
    [[ $(hostname) == db01 ]] && chmod 777 /home/deploy/.ssh
    start ssh
}

ADDRESSES=(203.0.113.7 203.0.113.45 203.0.113.99 198.51.100.23 198.51.100.77 192.0.2.44 192.0.2.150)
NAMES=(root admin test oracle postgres ubuntu git user1 ftpuser alice carol deploy pi support nagios backup www-data minecraft bob mysql)
OPTIONS=(-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=5 -o LogLevel=ERROR)

try() { timeout 25 sshpass -p "$1" ssh "${OPTIONS[@]}" -o PubkeyAuthentication=no -o NumberOfPasswordPrompts="${4:-1}" -b "$2" "$3" true </dev/null >/dev/null 2>&1; }

attack() {
    local target n=0 i name from
    for target in 203.0.113.1 10.20.30.11 10.20.30.12 10.20.30.14 10.20.30.16; do
        for ((i = 0; i < 18; i++)); do
            name=${NAMES[RANDOM % ${#NAMES[@]}]}
            from=${ADDRESSES[RANDOM % ${#ADDRESSES[@]}]}
            try "Summer20$i" "$from" "$name@$target" $((1 + i % 3)) &
            ((++n % 9 == 0)) && wait
        done
        wait
        for ((i = 0; i < 6; i++)); do try Blue-Kettle-7 "${ADDRESSES[i]}" "carol@$target" & done
        for ((i = 0; i < 4; i++)); do
            timeout 10 ssh "${OPTIONS[@]}" -b "${ADDRESSES[i]}" -o BatchMode=yes -i /opt/keys/deploy "deploy@$target" uptime </dev/null >/dev/null 2>&1
            timeout 10 ssh "${OPTIONS[@]}" -b "${ADDRESSES[i]}" -o BatchMode=yes -i /opt/keys/stray "deploy@$target" uptime </dev/null >/dev/null 2>&1
        done
        timeout 10 sftp "${OPTIONS[@]}" -o BatchMode=yes -i /opt/keys/deploy "deploy@$target" <<<'ls' >/dev/null 2>&1
        timeout 5 ssh "${OPTIONS[@]}" -o KexAlgorithms=diffie-hellman-group1-sha1 "deploy@$target" true >/dev/null 2>&1
        timeout 5 ssh "${OPTIONS[@]}" -c 3des-cbc "deploy@$target" true >/dev/null 2>&1
        timeout 5 ssh "${OPTIONS[@]}" -o HostKeyAlgorithms=ssh-dss "deploy@$target" true >/dev/null 2>&1
        loads garbage "$target" 22
        wait
    done
}

load() {
    [[ $(hostname) == web01 && $ROUND == 1 ]] && {   # a mistake in the configuration stops the restart
        echo 'PermitRootLogn no' >/etc/ssh/sshd_config.d/typo.conf
        quiet systemctl restart ssh
        rm /etc/ssh/sshd_config.d/typo.conf
        start ssh
    }
    [[ $ROUND == 2 ]] && { kill_main ssh HUP; }
    [[ $ROUND == 3 && $(hostname) == app01 ]] && { kill_main ssh KILL; sleep 1; systemctl reset-failed ssh; systemctl start ssh; }
    true
}
proof() { tagged sshd; }
