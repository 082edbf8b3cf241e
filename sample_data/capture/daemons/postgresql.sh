# shellcheck shell=bash
# PostgreSQL, two clusters (one logs to a file, one to syslog): wrong passwords, bad SQL, constraint violations, deadlocks, slow
# queries, cancelled queries, checkpoints, a full disk, kill -9 and crash recovery.
HOSTS_OF="db01"
AT_LEAST=300

tune() {
    cat >>"/etc/postgresql/15/$1/postgresql.conf" <<C
listen_addresses = '*'
log_connections = on
log_disconnections = on
log_checkpoints = on
log_lock_waits = on
deadlock_timeout = 200ms
log_min_duration_statement = 150
log_temp_files = 0
log_autovacuum_min_duration = 0
checkpoint_timeout = 30s
max_connections = 20
fsync = off
ssl = off
$2
C
    printf 'host all all 0.0.0.0/0 scram-sha-256\nhostnossl replication all 0.0.0.0/0 reject\n' >>"/etc/postgresql/15/$1/pg_hba.conf"
    sed -i '/^host.*0.0.0.0/!b' "/etc/postgresql/15/$1/pg_hba.conf"
}
sql() { local port=$1; shift; runuser -u postgres -- psql -qX -p "$port" "$@" >/dev/null 2>&1; }

setup() {
    pg_createcluster 15 reports -p 5433 >/dev/null 2>&1
    tune main "log_line_prefix = '%m [%p] %q%u@%d '"
    tune reports "log_destination = 'syslog'
logging_collector = off
log_line_prefix = '%q%u@%d '
syslog_ident = 'postgres'"
    start postgresql@15-main postgresql@15-reports
    local port
    for port in 5432 5433; do
        sql $port -c "create role shop login password 'Red-Lamp-4'" -c 'create database shop owner shop'
        sql $port -d shop -c 'create table orders(id int primary key, qty int check (qty > 0), note text not null)' \
            -c 'create table stock(id int primary key, left_over int)' -c 'insert into stock select g, 9 from generate_series(1, 50) g' \
            -c 'grant select, insert, update on stock to shop'
    done
}
faults() {
    local p=$1 i
    for i in 1 2; do
        PGPASSWORD=wrong quiet psql -h 127.0.0.1 -p "$p" -U shop shop -c 'select 1'
        PGPASSWORD=Red-Lamp-4 quiet psql -h 10.20.30.12 -p "$p" -U shop shop -c "select count(*) from stock where id > $i"
        PGPASSWORD=Red-Lamp-4 quiet psql -h 127.0.0.1 -p "$p" -U "user$i" shop -c 'select 1'
    done
    PGPASSWORD=Red-Lamp-4 quiet psql -h 127.0.0.1 -p "$p" -U shop nosuchdb -c 'select 1'
    PGPASSWORD=Red-Lamp-4 quiet psql -h 127.0.0.1 -p "$p" -U shop shop -c 'select * from orders'
    sql "$p" -d shop -c 'selct 1' -c 'select * from no_such_table' -c 'select no_column from stock' -c 'select 1/0' \
        -c "insert into orders values (1, 1, 'a'), (1, 2, 'b')" -c "insert into orders values (2, -1, 'c')" -c 'insert into orders values (3, 1, null)' \
        -c "select 'abc'::int" -c 'select nosuchfunction(1)' -c 'create table stock()' -c "select '2026-13-01'::date" -c 'commit' \
        -c 'select pg_sleep(0.3)' -c 'set statement_timeout = 200; select pg_sleep(3)' -c 'set work_mem = 64; select count(*) from (select md5(g::text) m from generate_series(1, 30000) g order by 1) t' \
        -c 'checkpoint' -c 'vacuum analyze stock' -c "select pg_terminate_backend(pg_backend_pid())"
    sql "$p" -d shop -c 'begin; update stock set left_over = 1 where id = 1; select pg_sleep(0.8); update stock set left_over = 1 where id = 2; commit' &
    sql "$p" -d shop -c 'begin; update stock set left_over = 2 where id = 2; select pg_sleep(0.8); update stock set left_over = 2 where id = 1; commit' &
    wait
    for i in {1..24}; do sql "$p" -d shop -c 'select pg_sleep(2)' & done
    wait
    loads garbage 127.0.0.1 "$p"
}
load() {
    local p
    for p in 5432 5433; do faults $p; done
    case $ROUND in
    1) for p in main reports; do echo 'shared_bufers = 1GB' >>/etc/postgresql/15/$p/postgresql.conf; quiet pg_ctlcluster 15 $p reload; quiet systemctl restart postgresql@15-$p
       sed -i '$d' /etc/postgresql/15/$p/postgresql.conf; start postgresql@15-$p; done ;;
    2) for p in 5432 5433; do
           sql $p -d shop -c 'select pg_sleep(20)' & sleep 1
           kill -KILL "$(pgrep -u postgres -f 'shop.*SELECT' | head -n 1)"; wait; sleep 2
       done
       mkdir -p /srv/small && mount -t tmpfs -o size=1m tmpfs /srv/small && chown postgres /srv/small
       sql 5432 -c "create tablespace small location '/srv/small'"
       sql 5432 -d shop -c 'create table big(t text) tablespace small' -c "insert into big select repeat(md5(g::text), 20) from generate_series(1, 20000) g" ;;
    3) kill_main postgresql@15-main KILL; sleep 2; start postgresql@15-main
       kill_main postgresql@15-reports KILL; sleep 2; start postgresql@15-reports
       quiet systemctl stop postgresql@15-main; start postgresql@15-main ;;
    esac
}
proof() { zcat -f /var/log/postgresql/*; tagged postgres; }
