# shellcheck shell=bash
# apache2 with php-fpm: pages, denied files, wrong passwords, broken scripts, crashed children, a broken configuration.
HOSTS_OF="file01"
AT_LEAST=300

setup() {
    mkdir -p /srv/intranet/{private,cgi}
    echo '<h1>intranet</h1>' >/srv/intranet/index.html
    # shellcheck disable=SC2016
    echo '<?php if (isset($_GET["e"])) { throw new RuntimeException("no such order: ".$_GET["e"]); } echo $undefined; echo 1/0;' >/srv/intranet/order.php
    printf '#!/bin/sh\necho "Content-Type: text/plain"; echo; echo ok\n' >/srv/intranet/cgi/ok.cgi
    printf '#!/bin/sh\necho "cannot open the ledger" >&2; exit 1\n' >/srv/intranet/cgi/broken.cgi
    printf 'not a script' >/srv/intranet/cgi/plain.cgi
    chmod 755 /srv/intranet/cgi/*.cgi
    htpasswd -bc /etc/apache2/users alice Blue-Kettle-7 2>/dev/null
    conf /etc/apache2/sites-available/000-default.conf <<'C'
<VirtualHost *:80>
    ServerName intranet.example.net
    DocumentRoot /srv/intranet
    LogLevel info
    ErrorLog /var/log/apache2/error.log
    CustomLog /var/log/apache2/access.log combined
    <Directory /srv/intranet>
        Require all granted
    </Directory>
    <Directory /srv/intranet/private>
        AuthType Basic
        AuthName staff
        AuthUserFile /etc/apache2/users
        Require valid-user
    </Directory>
    <Location /admin>
        Require ip 10.20.30.14
    </Location>
    ScriptAlias /cgi/ /srv/intranet/cgi/
    <Directory /srv/intranet/cgi>
        Require all granted
    </Directory>
    ProxyPass /dead http://127.0.0.1:9/
    <FilesMatch \.php$>
        SetHandler "proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost"
    </FilesMatch>
</VirtualHost>
C
    a2enmod -q cgid proxy proxy_http proxy_fcgi >/dev/null 2>&1
    sed -i 's/^;*log_errors.*/log_errors = On/' /etc/php/8.2/fpm/php.ini
    printf 'php_admin_flag[log_errors] = on\nphp_admin_value[error_log] = syslog\ncatch_workers_output = yes\n' >>/etc/php/8.2/fpm/pool.d/www.conf
    sed -i -e 's/^pm.max_children.*/pm.max_children = 2/' -e 's/^pm.max_spare.*/pm.max_spare_servers = 2/' /etc/php/8.2/fpm/pool.d/www.conf
    start php8.2-fpm apache2
    wait_port 80
}
attack() { loads apache 10.20.30.15 80 110; loads garbage 10.20.30.15 80; }
load() {
    loads apache 127.0.0.1 80 20
    case $ROUND in
    1) echo 'NoSuchDirective On' >/etc/apache2/conf-enabled/typo.conf; quiet systemctl restart apache2; rm /etc/apache2/conf-enabled/typo.conf; start apache2 ;;
    2) kill -SEGV "$(pgrep -u www-data apache2 | head -n 1)"; systemctl stop php8.2-fpm; loads apache 127.0.0.1 80 30; systemctl start php8.2-fpm; systemctl reload apache2 ;;
    3) kill -KILL "$(pgrep -u www-data php-fpm8.2 | head -n 1)"; systemctl reload php8.2-fpm; systemctl restart apache2 ;;
    esac
}
proof() { zcat -f /var/log/apache2/*; }
