# shellcheck shell=bash
# nftables: the kernel logs what gw01 drops and accepts between the outside, the site and the LAN.
HOSTS_OF="gw01"
AT_LEAST=100

setup() {
    conf /etc/nftables.conf <<'C'
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy accept;
        iifname "eth1" tcp dport { 23, 135, 139, 445, 1433, 3389, 5900, 6379, 8081, 9200 } log prefix "[FW DROP IN] " level warn drop
        iifname "eth1" udp dport { 161, 1900, 5060, 11211 } log prefix "[FW DROP IN] " level warn drop
    }
    chain forward {
        type filter hook forward priority 0; policy accept;
        iifname "eth1" ct state new tcp dport { 22, 25, 80, 443 } limit rate 2/second log prefix "[FW ACCEPT] " level info
        iifname "eth1" ct state new tcp dport { 3306, 5432, 6379, 2379 } log prefix "[FW REJECT] " level notice reject with tcp reset
        iifname "eth1" icmp type echo-request log prefix "[FW PING] " limit rate 5/minute
    }
}
C
    start nftables
}
attack() {
    local target port
    for target in 203.0.113.1 10.20.30.11 10.20.30.12; do
        for port in 23 135 445 1433 3389 5900 6379 8081 9200 3306 5432 2379; do
            timeout 0.4 nc -z -w1 -s 198.51.100.23 "$target" "$port" 2>/dev/null
        done
        for port in 161 1900 5060 11211; do echo probe | timeout 0.3 nc -u -w1 -s 192.0.2.44 "$target" "$port" 2>/dev/null; done
        ping -qc 2 "$target" >/dev/null
    done
}
load() {
    [[ $ROUND == 2 ]] && { sed -i 's/policy accept/policy acept/' /etc/nftables.conf; quiet systemctl restart nftables; sed -i 's/policy acept/policy accept/' /etc/nftables.conf; start nftables; }
    true
}
proof() { grep -h 'FW ' /var/log/firewall.log*; }
