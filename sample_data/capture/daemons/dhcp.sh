# shellcheck shell=bash
# DHCP on the LAN behind gw01's eth2: isc-dhcp-server in rounds 1 and 2, kea in round 3; a pool too small for the clients.
HOSTS_OF="gw01"
AT_LEAST=100

setup() {
    sed -i 's/^INTERFACESv4=.*/INTERFACESv4="eth2"/; s/^INTERFACESv6=.*//' /etc/default/isc-dhcp-server
    conf /etc/dhcp/dhcpd.conf <<'C'
default-lease-time 60;
max-lease-time 120;
authoritative;
ddns-update-style none;
subnet 192.168.50.0 netmask 255.255.255.0 {
    range 192.168.50.100 192.168.50.107;
    option routers 192.168.50.1;
    option domain-name "example.net";
}
host printer { hardware ethernet 02:50:00:00:00:63; fixed-address 192.168.50.20; }
C
    systemctl restart isc-dhcp-server
    conf /etc/kea/kea-dhcp4.conf <<'C'
{ "Dhcp4": { "interfaces-config": { "interfaces": [ "eth2" ] }, "valid-lifetime": 90,
  "lease-database": { "type": "memfile" },
  "subnet4": [ { "subnet": "192.168.50.0/24", "pools": [ { "pool": "192.168.50.150 - 192.168.50.155" } ] } ],
  "loggers": [ { "name": "kea-dhcp4", "output_options": [ { "output": "syslog" } ], "severity": "INFO" } ] } }
C
}
load() {
    [[ $ROUND == 3 ]] || return 0
    systemctl stop isc-dhcp-server
    start kea-dhcp4-server
}
after() {
    case $ROUND in
    1) quiet systemctl restart isc-dhcp-server; echo 'rnage 1;' >>/etc/dhcp/dhcpd.conf; quiet systemctl restart isc-dhcp-server; sed -i '$d' /etc/dhcp/dhcpd.conf; quiet systemctl restart isc-dhcp-server ;;
    3) sed -i 's/"pools"/"poools"/' /etc/kea/kea-dhcp4.conf; quiet systemctl restart kea-dhcp4-server ;;
    esac
    true
}
proof() { tagged dhcpd kea-dhcp4 dhclient; }
