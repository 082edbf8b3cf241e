# shellcheck shell=bash
# nginx: pages, missing pages, forbidden files, dead and slow upstreams, limits, TLS failures, a broken configuration, killed workers.
HOSTS_OF="web01"
AT_LEAST=600

setup() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=www.example.net -keyout /etc/ssl/www.key -out /etc/ssl/www.crt 2>/dev/null
    cat /etc/ssl/www.key /etc/ssl/www.crt >/etc/ssl/www.pem
    mkdir -p /srv/www/{private,img}
    echo '<h1>shop</h1>' >/srv/www/index.html
    for i in {1..30}; do head -c $((i * 211)) /dev/zero | tr '\0' x >"/srv/www/img/$i.png"; done
    echo secret >/srv/www/private/notes.txt; chmod 600 /srv/www/private/notes.txt
    rm -f /etc/nginx/sites-enabled/default
    conf /etc/nginx/conf.d/shop.conf <<'C'
limit_req_zone $binary_remote_addr zone=login:1m rate=2r/s;
log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" rt=$request_time urt=$upstream_response_time';
upstream app { server 10.20.30.14:8000 max_fails=2 fail_timeout=3s; server 10.20.30.14:8009 backup; }
server {
    listen 8080; listen 8443 ssl; server_name www.example.net;
    ssl_certificate /etc/ssl/www.crt; ssl_certificate_key /etc/ssl/www.key; ssl_protocols TLSv1.2 TLSv1.3;
    root /srv/www; client_max_body_size 8k; error_log /var/log/nginx/error.log info;
    access_log /var/log/nginx/access.log combined;
    location /api/ { proxy_pass http://app; proxy_read_timeout 2s; proxy_connect_timeout 1s; access_log /var/log/nginx/api.log timed; }
    location /login { limit_req zone=login burst=3; proxy_pass http://app; }
    location /dead/ { proxy_pass http://127.0.0.1:9; }
    location /old/ { return 301 /new/; }
    location /admin/ { deny all; }
    location /.ht { deny all; }
    location /metrics { access_log syslog:server=unix:/dev/log,facility=local7,tag=nginx,severity=info combined; return 200 "ok\n"; }
}
C
    start nginx
    wait_port 8080
}
attack() { loads http 10.20.30.11 8080 180; loads tls 10.20.30.11 8443; loads garbage 10.20.30.11 8080; }
load() {
    loads http 127.0.0.1 8080 30
    case $ROUND in
    1) sed -i 's/listen 8080;/listen 8080/' /etc/nginx/conf.d/shop.conf; quiet systemctl reload nginx; quiet nginx -s reload
       sed -i 's/listen 8080/listen 8080;/' /etc/nginx/conf.d/shop.conf; systemctl reload nginx ;;
    2) kill -KILL "$(pgrep -u www-data -f 'nginx: worker' | head -n 1)"; sleep 1; kill_main nginx USR1 ;;
    3) kill_main nginx KILL; sleep 1; pgrep -u www-data -f 'nginx: worker' | xargs -r kill -KILL; systemctl reset-failed nginx; systemctl start nginx
       unit squatter "/usr/bin/python3 -m http.server 8090 --directory /srv/www/img" "Preview of the pictures"; systemctl start squatter; wait_port 8090
       echo 'server { listen 8090; }' >/etc/nginx/conf.d/taken.conf; quiet nginx -s reload; sleep 1
       quiet systemctl restart nginx; rm /etc/nginx/conf.d/taken.conf; systemctl stop squatter; start nginx ;;
    esac
}
proof() { zcat -f /var/log/nginx/*; }
