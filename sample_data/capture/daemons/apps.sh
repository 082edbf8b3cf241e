# shellcheck shell=bash
# The application host: a Flask app under gunicorn with tracebacks, tomcat, zookeeper, mosquitto, Prometheus and its exporter,
# alertmanager, supervisor, monit, uwsgi, influxdb, prosody, and containers' logs in the CRI format.
HOSTS_OF="app01"
AT_LEAST=600

setup() {
    local p
    cp -r /opt/capture/apps /srv/shop
    for p in 8000 8001; do
        unit "shop$p" "/usr/bin/gunicorn -w 1 --timeout 3 -b 0.0.0.0:$p --access-logfile - --chdir /srv/shop shop:app" "Shop on port $p" $'DynamicUser=yes\nRestart=on-failure\nRestartSec=1\nSyslogIdentifier=gunicorn'
    done
    start shop8000 shop8001
    printf 'listener 1883 0.0.0.0\nallow_anonymous false\npassword_file /etc/mosquitto/pw\nlog_dest syslog\nlog_type all\npersistence true\npersistence_location /var/lib/mosquitto/\n' >/etc/mosquitto/conf.d/site.conf
    sed -i '/^log_dest/d; /^persistence/d' /etc/mosquitto/mosquitto.conf
    mosquitto_passwd -b -c /etc/mosquitto/pw sensor Red-Lamp-4; chown mosquitto /etc/mosquitto/pw
    conf /etc/prometheus/prometheus.yml <<'C'
global: { scrape_interval: 5s, scrape_timeout: 2s }
rule_files: [ "/etc/prometheus/rules.yml" ]
alerting: { alertmanagers: [ { static_configs: [ { targets: [ "127.0.0.1:9093", "10.20.30.250:9093" ] } ] } ] }
remote_write: [ { url: "http://127.0.0.1:9/write" } ]
scrape_configs:
  - job_name: nodes
    static_configs: [ { targets: [ "127.0.0.1:9100", "10.20.30.250:9100", "127.0.0.1:8000" ] } ]
C
    printf 'groups:\n- name: site\n  rules:\n  - alert: Down\n    expr: up == 0\n' >/etc/prometheus/rules.yml
    conf /etc/prometheus/alertmanager.yml <<'C'
route: { receiver: mail, group_wait: 1s, repeat_interval: 10s, group_interval: 5s }
receivers: [ { name: mail, webhook_configs: [ { url: "http://127.0.0.1:9/hook" } ] } ]
C
    conf /etc/supervisor/conf.d/site.conf <<'C'
[program:worker]
command=/bin/bash -c 'sleep 7; exit 1'
[program:broken]
command=/srv/no/such/program
[program:ticker]
command=/bin/bash -c 'while true; do echo tick; sleep 2; done'
C
    conf /etc/monit/conf.d/site <<'C'
set log syslog
set daemon 5
check process sshd with pidfile /run/sshd.pid
    if failed port 22 then alert
check process ghost with pidfile /run/ghost.pid
    start program = "/bin/false"
check filesystem root with path /
    if space usage > 1% then alert
check host dead with address 10.20.30.250
    if failed ping then alert
check file passwd with path /etc/passwd
    if changed checksum then alert
C
    conf /etc/uwsgi/apps-enabled.ini <<'C'
[uwsgi]
http-socket = 127.0.0.1:9091
processes = 2
master = true
C
    unit uwsgi-site "/usr/bin/uwsgi-core --ini /etc/uwsgi/apps-enabled.ini --plugins python3 --wsgi-file /srv/shop/shop.py" "uWSGI"
    sed -i 's#^\tinfo = .*#\tinfo = "*syslog";#' /etc/prosody/prosody.cfg.lua
    printf 'VirtualHost "example.net"\n' >>/etc/prosody/prosody.cfg.lua
    sed -i 's/JAVA_OPTS=.*/JAVA_OPTS="-Djava.awt.headless=true -Xmx96m"/' /etc/default/tomcat10
    mkdir -p /var/lib/tomcat10/webapps/shop/WEB-INF; cp /srv/shop/*.jsp /var/lib/tomcat10/webapps/shop/
    local jars
    jars=$(printf '%s:' /usr/share/java/{zookeeper,zookeeper-jute,slf4j-api,slf4j-log4j12,log4j-1.2,snappy-java,metrics-core,netty-all}.jar)
    unit zookeeper "/usr/bin/java -Xmx64m -Dzookeeper.root.logger=INFO,CONSOLE -cp /etc/zookeeper/conf:$jars org.apache.zookeeper.server.quorum.QuorumPeerMain /etc/zookeeper/conf/zoo.cfg" "ZooKeeper" $'User=zookeeper\nSyslogIdentifier=zookeeper'
    start mosquitto prometheus-node-exporter prometheus-alertmanager prometheus supervisor monit influxdb prosody tomcat10 zookeeper uwsgi-site
}
attack() { loads http 10.20.30.14 8000 12; loads http 10.20.30.14 8080 6; loads mqtt 10.20.30.14 1883; loads garbage 10.20.30.14 1883; }
load() {
    local i
    for i in {1..8}; do
        quiet mosquitto_pub -h 127.0.0.1 -u sensor -P Red-Lamp-4 -t "plant/line$((i % 3))/temp" -m "$((20 + i)).5" -i "sensor$i"
        quiet mosquitto_pub -h 127.0.0.1 -u sensor -P wrong -t t -m x -i "bad$i"
    done
    timeout 4 mosquitto_sub -h 127.0.0.1 -u sensor -P Red-Lamp-4 -t 'plant/#' -i panel -k 2 -q 1 >/dev/null 2>&1 &
    loads http 127.0.0.1 8000 12
    loads crash 127.0.0.1 8000
    for i in / /shop/index.jsp /shop/broken.jsp /shop/null.jsp /manager/html /nosuch; do quiet curl -s "http://127.0.0.1:8080$i"; done
    for i in 1 2 3 4; do
        quiet curl -s -XPOST 'http://127.0.0.1:8086/query' --data-urlencode "q=CREATE DATABASE plant$i"
        quiet curl -s -XPOST "http://127.0.0.1:8086/write?db=plant$i" --data-binary "temp,line=$i value=2$i.5"
        quiet curl -s -XPOST 'http://127.0.0.1:8086/write?db=nosuchdb' --data-binary 'nonsense'
        quiet curl -s 'http://127.0.0.1:8086/query?db=plant1' --data-urlencode 'q=SELEC * FROM temp'
        quiet curl -s http://127.0.0.1:9090/; quiet curl -s http://127.0.0.1:9090/api/fail
        echo ruok | quiet nc -w1 127.0.0.1 2181; echo garbage | quiet nc -w1 127.0.0.1 2181
    done
    wait
    case $ROUND in
    1) quiet supervisorctl restart ticker; quiet supervisorctl stop ticker; quiet supervisorctl start ticker
       echo 'groups: [' >/etc/prometheus/rules.yml; kill_main prometheus HUP; sleep 1; printf 'groups: []\n' >/etc/prometheus/rules.yml; kill_main prometheus HUP ;;
    2) kill_main shop8000 KILL; kill -KILL "$(pgrep -f 'gunicorn.*8001' | tail -n 1)"; kill_main mosquitto KILL; kill_main zookeeper TERM; sleep 3; start mosquitto zookeeper; useradd -m temp; sleep 6
       kill_main tomcat10 QUIT; quiet systemctl stop uwsgi-site ;;
    3) kill_main tomcat10 KILL; kill_main influxdb KILL; echo 'log_tpye x' >>/etc/mosquitto/conf.d/site.conf; quiet systemctl restart mosquitto
       echo 'scrape_config: []' >>/etc/prometheus/prometheus.yml; quiet systemctl restart prometheus; quiet systemctl stop monit supervisor prosody ;;
    esac
}
proof() { tagged gunicorn mosquitto prometheus prometheus-node-exporter prometheus-alertmanager monit influxd influxd-systemd-start.sh zookeeper tomcat10 uwsgi-core prosody; cat /var/log/tomcat10/catalina*; }
