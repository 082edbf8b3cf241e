# shellcheck shell=bash
# openvpn, strongswan, keepalived and frr between gw01 and log01: tunnels that come up, wrong keys, lost peers, kills.
HOSTS_OF="gw01 log01"
AT_LEAST=150

openvpn_up() {
    mkdir -p /etc/openvpn/server /etc/openvpn/client
    if [[ $(hostname) == gw01 ]]; then
        printf 'port 1194\nproto udp\ndev tun0\nserver 10.99.0.0 255.255.255.0\nca /opt/keys/ca.crt\ncert /opt/keys/server.crt\nkey /opt/keys/server.key\ndh none\nkeepalive 2 8\nverb 3\ntopology subnet\nmanagement 127.0.0.1 7505\n' >/etc/openvpn/server/site.conf
        start openvpn-server@site
    else
        printf 'client\nremote 10.20.30.1 1194 udp\ndev tun0\nca /opt/keys/ca.crt\ncert /opt/keys/client.crt\nkey /opt/keys/client.key\nverb 3\nconnect-retry 2 4\nnobind\n' >/etc/openvpn/client/site.conf
        sed 's/client\.\(crt\|key\)/stray.\1/; s/tun0/tun1/' /etc/openvpn/client/site.conf >/etc/openvpn/client/stray.conf
        start openvpn-client@site openvpn-client@stray
    fi
}
strongswan_up() {
    local me=10.20.30.1 peer=10.20.30.16
    [[ $(hostname) == log01 ]] && { me=10.20.30.16; peer=10.20.30.1; }
    conf /etc/swanctl/conf.d/site.conf <<C
connections {
  site { local_addrs = $me
    remote_addrs = $peer
    version = 2
    keyingtries = 2
    dpd_delay = 5s
    local { auth = psk
      id = $me }
    remote { auth = psk
      id = $peer }
    children { net { local_ts = $me/32
      remote_ts = $peer/32
      start_action = none } } }
}
secrets { ike-site { secret = "Yellow-Boat-$1" } }
C
    start strongswan
    sleep 1
    quiet swanctl --load-all
}
keepalived_up() {
    local priority=100
    [[ $(hostname) == log01 ]] && priority=50
    conf /etc/keepalived/keepalived.conf <<C
vrrp_script check { 
    script "/usr/bin/test ! -e /run/maintenance"
    interval 1
    weight -70
    user nobody
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority $priority
    advert_int 1
    state BACKUP
    virtual_ipaddress { 10.20.30.200/24 }
    track_script { check }
}
C
    start keepalived
}
frr_up() {
    local as=64512 peer_as=64513 peer=10.20.30.16
    [[ $(hostname) == log01 ]] && { as=64513; peer_as=64512; peer=10.20.30.1; }
    sed -i 's/^bgpd=no/bgpd=yes/; s/^ospfd=no/ospfd=yes/' /etc/frr/daemons
    conf /etc/frr/frr.conf <<C
log syslog informational
router bgp $as
 no bgp ebgp-requires-policy
 bgp log-neighbor-changes
 neighbor $peer remote-as $peer_as
 neighbor $peer timers 1 3
router ospf
 ospf router-id 10.20.30.${peer##*.}
 log-adjacency-changes detail
 network 10.20.30.0/24 area 0
C
    chown frr:frr /etc/frr/frr.conf
    start frr
}
setup() { openvpn_up; strongswan_up 1; keepalived_up; frr_up; start lldpd snmpd; }
load() {
    case $ROUND-$(hostname) in
    *-log01) quiet timeout 10 swanctl --initiate --child net; sleep 2; quiet swanctl --terminate --ike site ;;&
    1-log01) quiet systemctl restart openvpn-client@site frr ;;
    2-log01) sed -i 's/Yellow-Boat-1/Yellow-Boat-2/' /etc/swanctl/conf.d/site.conf; quiet swanctl --load-all; quiet timeout 10 swanctl --initiate --child net
             quiet vtysh -c 'conf t' -c 'router bgp 64513' -c 'neighbor 10.20.30.1 remote-as 65000'; sleep 4; quiet systemctl restart frr ;;
    3-log01) kill -KILL "$(pgrep -x bgpd)"; sleep 4; kill_main openvpn-client@site KILL ;;
    1-gw01) touch /run/maintenance; sleep 5; rm /run/maintenance ;;
    2-gw01) kill_main openvpn-server@site KILL; sleep 6; start openvpn-server@site; kill -KILL "$(pgrep -x ospfd)"; kill_main keepalived KILL; sleep 3; start keepalived ;;
    3-gw01) systemctl stop strongswan; sed -i 's/vrrp_instance/vrp_instance/' /etc/keepalived/keepalived.conf; quiet systemctl reload keepalived ;;
    esac
    for _ in 1 2 3 4 5; do quiet snmpget -v2c -c public -t 1 -r 0 127.0.0.1 sysDescr.0; quiet snmpget -v2c -c wrong -t 1 -r 0 10.20.30.1 sysName.0; quiet snmpget -v3 -u nobody -l noAuthNoPriv -t 1 -r 0 127.0.0.1 sysName.0; done
}
proof() { tagged openvpn charon charon-systemd Keepalived Keepalived_vrrp bgpd ospfd zebra watchfrr snmpd lldpd; }
