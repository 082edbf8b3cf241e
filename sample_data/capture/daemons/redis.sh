# shellcheck shell=bash
# redis, memcached and etcd: saves, failed saves, a replica that loses its primary, memory limits, bad options, kills.
HOSTS_OF="db01"
AT_LEAST=150

setup() {
    sed -i -e 's/^# *syslog-enabled.*/syslog-enabled yes/' -e 's/^logfile.*/logfile ""/' -e 's/^loglevel.*/loglevel verbose/' /etc/redis/redis.conf
    printf 'save 5 10\nmaxmemory 3mb\nmaxmemory-policy noeviction\n' >>/etc/redis/redis.conf
    mkdir -p /srv/replica && chown redis /srv/replica
    unit redis-replica "/usr/bin/redis-server --port 6380 --dir /srv/replica --replicaof 127.0.0.1 6379 --syslog-enabled yes --syslog-ident redis-replica" "Redis replica" "User=redis"
    start redis-server redis-replica
    sed -i 's/^-m .*/-m 16\n-vv/' /etc/memcached.conf
    start memcached etcd
}
load() {
    local i
    for i in {1..60}; do printf 'SET key:%s %0900d\r\nINCR hits\r\nGET key:1\r\n' "$i" "$i"; done | redis-cli --pipe >/dev/null 2>&1
    quiet redis-cli bgsave; quiet redis-cli nosuchcommand; quiet redis-cli auth wrong; sleep 2
    printf 'set a 0 0 3\r\nabc\r\nget a\r\nget missing\r\ndelete a\r\nnonsense\r\nincr a 1\r\nstats\r\nquit\r\n' | nc -w2 127.0.0.1 11211 >/dev/null
    for i in {1..5}; do printf 'set k%s 0 60 2\r\nok\r\nget k%s\r\nget none%s\r\nquit\r\n' "$i" "$i" "$i" | nc -w1 127.0.0.1 11211 >/dev/null; done
    for i in 1 2 3 4; do ETCDCTL_API=3 quiet etcdctl put "/site/node$i" up; done
    case $ROUND in
    1) mv /var/lib/redis/dump.rdb /tmp/; chmod 500 /var/lib/redis; chown root /var/lib/redis; quiet redis-cli bgsave; sleep 6; quiet redis-cli save; chown redis /var/lib/redis; chmod 750 /var/lib/redis; quiet redis-cli bgsave ;;
    2) kill_main redis-server KILL; sleep 4; kill_main redis-replica TERM; sleep 1; start redis-replica; kill_main etcd KILL; sleep 6; kill_main memcached KILL ;;
    3) echo 'maxmemmory 1' >>/etc/redis/redis.conf; quiet systemctl restart redis-server; sed -i '$d' /etc/redis/redis.conf; start redis-server memcached
       head -c 200 /dev/urandom >/srv/replica/dump.rdb; systemctl stop redis-server; quiet systemctl restart redis-replica; sleep 2; start redis-server; rm /srv/replica/dump.rdb; start redis-replica
       quiet systemctl restart etcd; systemctl stop etcd; echo junk >/var/lib/etcd/default/member/snap/db; quiet systemctl start etcd ;;
    esac
}
proof() { tagged redis redis-replica redis-server memcached systemd-memcached-wrapper etcd; }
