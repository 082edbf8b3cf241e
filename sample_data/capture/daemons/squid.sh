# shellcheck shell=bash
# squid: pages, denials, names that do not resolve, dead origins, tunnels, a broken configuration, a kill.
HOSTS_OF="gw01"
AT_LEAST=120

setup() {
    conf /etc/squid/squid.conf <<'C'
acl lan src 10.20.30.0/24 192.168.50.0/24 127.0.0.0/8
acl SSL_ports port 443 8443
acl CONNECT method CONNECT
acl blocked dstdomain .blocked.example
http_access deny blocked
http_access deny CONNECT !SSL_ports
http_access allow lan
http_access deny all
http_port 3128
connect_timeout 3 seconds
dns_timeout 3 seconds
shutdown_lifetime 2 seconds
visible_hostname gw01.example.net
access_log daemon:/var/log/squid/access.log squid
cache_dir ufs /var/spool/squid 20 4 4
C
    quiet squid -z
    sleep 2
    start squid
    wait_port 3128
}
attack() { loads proxy 203.0.113.1 3128 20; }
load() {
    loads proxy 127.0.0.1 3128 50
    case $ROUND in
    1) echo 'http_acess allow all' >>/etc/squid/squid.conf; quiet systemctl restart squid; sed -i '$d' /etc/squid/squid.conf; quiet systemctl restart squid ;;
    2) kill -KILL "$(pgrep -f '\(squid-1\)' | head -n 1)"; sleep 4; quiet squid -k reconfigure ;;
    3) quiet squid -k rotate; chmod 000 /var/spool/squid/00; quiet systemctl restart squid ;;
    esac
}
proof() { zcat -f /var/log/squid/*; }
