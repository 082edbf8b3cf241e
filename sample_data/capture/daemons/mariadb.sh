# shellcheck shell=bash
# MariaDB: wrong passwords, aborted connections, deadlocks, slow queries, a table full, a bad option, kill -9 and crash recovery.
HOSTS_OF="db01"
AT_LEAST=150

setup() {
    conf /etc/mysql/mariadb.conf.d/99-site.cnf <<'C'
[mysqld]
bind-address = 0.0.0.0
log_warnings = 4
innodb_print_all_deadlocks = 1
slow_query_log = 1
slow_query_log_file = /var/log/mysql/slow.log
long_query_time = 0.15
max_connections = 12
innodb_buffer_pool_size = 32M
innodb_flush_log_at_trx_commit = 0
C
    mkdir -p /var/log/mysql && chown mysql:adm /var/log/mysql
    start mariadb
    mariadb -e "create database crm; grant all on crm.* to 'crm'@'%' identified by 'Red-Lamp-4'; create table crm.t(id int primary key, v int) engine=innodb; insert into crm.t values (1,1),(2,2)"
}
load() {
    local i
    for i in 1 2 3; do
        quiet mariadb -h 127.0.0.1 -u crm -pwrong crm -e 'select 1'
        quiet mariadb -h 10.20.30.12 -u "visitor$i" -pwrong
        quiet mariadb -h 10.20.30.12 -u crm -pRed-Lamp-4 mysql -e 'select 1'
        quiet mariadb -h 10.20.30.12 -u crm -pRed-Lamp-4 crm -e "select sleep(0.2); update t set v = v + $i where id = 1"
    done
    loads garbage 127.0.0.1 3306
    mariadb crm -e 'begin; update t set v=1 where id=1; do sleep(1); update t set v=1 where id=2; commit' >/dev/null 2>&1 &
    mariadb crm -e 'begin; update t set v=2 where id=2; do sleep(1); update t set v=2 where id=1; commit' >/dev/null 2>&1 &
    mariadb -h 127.0.0.1 -u crm -pRed-Lamp-4 crm -e 'select sleep(30)' >/dev/null 2>&1 & sleep 0.5; kill -KILL $!
    wait
    for i in {1..16}; do mariadb -e 'select sleep(1)' >/dev/null 2>&1 & done
    wait
    case $ROUND in
    1) echo 'no_such_option = 1' >>/etc/mysql/mariadb.conf.d/99-site.cnf; quiet systemctl restart mariadb; sed -i '$d' /etc/mysql/mariadb.conf.d/99-site.cnf; start mariadb ;;
    2) kill_main mariadb KILL; sleep 6; quiet systemctl start mariadb ;;
    3) quiet mariadb -e "create table crm.bad(id int) engine=aria"; systemctl stop mariadb; head -c 300 /dev/zero | dd of=/var/lib/mysql/crm/t.ibd conv=notrunc status=none
       start mariadb; quiet mariadb crm -e 'select * from t'; systemctl restart mariadb ;;
    esac
}
proof() { tagged mariadbd mariadb; cat /var/log/mysql/slow.log; }
