# shellcheck shell=bash
# bind9: good and broken zones, queries, refusals, transfers denied, unreachable forwarders, a broken configuration, a kill.
HOSTS_OF="gw01"
AT_LEAST=400

setup() {
    conf /etc/bind/named.conf.options <<'C'
options {
    directory "/var/cache/bind";
    recursion yes;
    allow-recursion { 10.20.30.0/24; 127.0.0.0/8; 192.168.50.0/24; };
    allow-transfer { 10.20.30.16; };
    forwarders { 192.0.2.253; };
    forward only;
    dnssec-validation no;
    listen-on { any; };
    listen-on-v6 { none; };
    rate-limit { responses-per-second 15; };
};
C
    conf /etc/bind/named.conf.local <<'C'
zone "example.net" { type primary; file "/etc/bind/db.example.net"; };
zone "broken.example" { type primary; file "/etc/bind/db.broken"; };
zone "missing.example" { type primary; file "/etc/bind/db.missing"; };
zone "secondary.example" { type secondary; primaries { 10.20.30.250; }; file "secondary"; };
C
    conf /etc/bind/db.example.net <<'C'
$TTL 300
@ IN SOA gw01 hostmaster ( 2026112201 3600 600 86400 60 )
@ IN NS gw01
@ IN MX 10 mail01
gw01 IN A 10.20.30.1
web01 IN A 10.20.30.11
www IN CNAME web01
db01 IN A 10.20.30.12
mail01 IN A 10.20.30.13
app01 IN A 10.20.30.14
C
    printf '$TTL 300\n@ IN SOA ns hostmaster ( 1 3600 600 86400 60 )\n@ IN NS nowhere\nbad IN A 300.1.2.3\n' >/etc/bind/db.broken
    # The rest of the small world, so that what mail and logs look up is answered at once.
    printf '$TTL 300\n@ IN SOA ns.example.com. hostmaster.example.com. ( 1 3600 600 86400 60 )\n@ IN NS ns.example.com.\n@ IN A 192.0.2.44\n* IN A 192.0.2.44\n' >/etc/bind/db.world
    printf '$TTL 300\n@ IN SOA ns.example.com. hostmaster.example.com. ( 1 3600 600 86400 60 )\n@ IN NS ns.example.com.\n' >/etc/bind/db.empty2
    local zone
    for zone in example.com example.org; do echo "zone \"$zone\" { type primary; file \"/etc/bind/db.world\"; };"; done >>/etc/bind/named.conf.local
    for zone in invalid 113.0.203.in-addr.arpa 100.51.198.in-addr.arpa 2.0.192.in-addr.arpa 30.20.10.in-addr.arpa 50.168.192.in-addr.arpa; do
        echo "zone \"$zone\" { type primary; file \"/etc/bind/db.empty2\"; };"
    done >>/etc/bind/named.conf.local
    start named
    sleep 2
    quiet rndc querylog on
}
attack() { loads dns 203.0.113.1 45; }
load() {
    local i
    for i in {1..30}; do
        dig +tries=1 +time=1 @127.0.0.1 "$(printf '%s\n' www.example.net mail01.example.net "host$i.example.net" example.net. gw01.example.net 12.30.20.10.in-addr.arpa | shuf -n 1)" "$(printf '%s\n' A AAAA MX TXT PTR | shuf -n 1)" >/dev/null 2>&1
    done
    for i in 1 2 3; do dig +tries=1 +time=2 @127.0.0.1 "outside$i.somewhere.test" >/dev/null 2>&1 & done
    wait
    printf 'server 127.0.0.1\nzone example.net\nupdate add new.example.net 60 A 10.20.30.77\nsend\n' | quiet nsupdate
    quiet dig @127.0.0.1 example.net AXFR
    case $ROUND in
    1) quiet rndc reload; quiet rndc flush; echo 'zone "x" { tpye primary; };' >>/etc/bind/named.conf.local; quiet rndc reconfig; quiet systemctl restart named; sed -i '$d' /etc/bind/named.conf.local; start named; sleep 2; quiet rndc querylog on ;;
    2) sed -i 's/2026112201/2026112202/' /etc/bind/db.example.net; quiet rndc reload example.net; kill_main named KILL; sleep 4; quiet systemctl start named; sleep 1; quiet rndc querylog on ;;
    3) quiet rndc freeze example.net; quiet rndc retransfer secondary.example; quiet rndc stats; chmod 000 /etc/bind/db.example.net; quiet rndc reload; chmod 644 /etc/bind/db.example.net; systemctl restart named ;;
    esac
}
proof() { tagged named; }
