# shellcheck shell=bash
# haproxy: two backends that go down and come up, no server available, bad requests, failed handshakes, a broken configuration.
HOSTS_OF="web01"
AT_LEAST=500

setup() {
    conf /etc/haproxy/haproxy.cfg <<'C'
global
    log /dev/log local0
    stats socket /run/haproxy/admin.sock mode 660 level admin
    user haproxy
    group haproxy
defaults
    log global
    mode http
    option httplog
    timeout connect 2s
    timeout client 4s
    timeout server 3s
frontend public
    bind *:80
    bind *:443 ssl crt /etc/ssl/www.pem
    acl api path_beg /api
    acl bad path_beg /wp-admin
    http-request deny if bad
    use_backend apps if api
    use_backend nothing if { path_beg /reports }
    default_backend pages
backend pages
    option httpchk GET /index.html
    server nginx1 127.0.0.1:8080 check inter 3s
    server file1 10.20.30.15:80 check inter 5s
backend apps
    option httpchk GET /api/health
    server app1 10.20.30.14:8000 check inter 4s fall 2 rise 2
    server app2 10.20.30.14:8001 check inter 5s
backend nothing
    server gone1 10.20.30.250:8080 check inter 3s
listen postgres
    bind 127.0.0.1:5432
    mode tcp
    option tcplog
    server db1 10.20.30.12:5432 check inter 6s
C
    start haproxy
    wait_port 80
}
attack() { loads http 10.20.30.11 80 110; loads tls 10.20.30.11 443; loads garbage 10.20.30.11 80; }
load() {
    local i
    for i in 1 2 3 4 5 6; do (exec 3<>/dev/tcp/127.0.0.1/5432; echo hello >&3) 2>/dev/null; done
    case $ROUND in
    1) echo '    serrver x' >>/etc/haproxy/haproxy.cfg; quiet systemctl reload haproxy; sed -i '$d' /etc/haproxy/haproxy.cfg; systemctl reload haproxy ;;
    2) echo 'disable server apps/app1' | nc -U -w1 /run/haproxy/admin.sock; loads http 127.0.0.1 80 20; echo 'enable server apps/app1' | nc -U -w1 /run/haproxy/admin.sock ;;
    3) kill_main haproxy KILL; sleep 3 ;;
    esac
}
proof() { tagged haproxy; }
