# shellcheck shell=bash
# cron and at: jobs that work, fail, print without a mailer, belong to nobody, or cannot be read.
HOSTS_OF="gw01 web01 db01 mail01 app01 file01 log01"
AT_LEAST=30

setup() {
    conf /etc/cron.d/site <<'C'
* * * * * root test -x /usr/lib/rsyslog/rsyslog-rotate && true
* * * * * backup2 /usr/bin/rsync -a /srv/data/ /srv/backup/ >/dev/null 2>&1
*/2 * * * * www-data /usr/bin/php /srv/www/cron.php --quiet >/dev/null 2>&1
* * * * * oncall echo "report of $(date)"
* * * * * deploy /usr/local/bin/healthcheck --timeout 5
*/2 * * * * nobody exit 3
*/3 * * * * root systemctl is-active --quiet ssh
C
    [[ $(hostname) == db01 || $(hostname) == mail01 ]] || sed -i '1i MAILTO=""' /etc/cron.d/site
    printf '*/5 * * * * ghost /bin/true\n' >/etc/cron.d/ghost
    printf '61 * * * * root /bin/true\n' >/etc/cron.d/wrongminute
    printf '* * * * * root /bin/true\n' >/etc/cron.d/writable; chmod 666 /etc/cron.d/writable
    start cron atd
}
load() {
    local user
    for user in alice carol; do
        printf '*/2 * * * * /bin/sleep %s\n@reboot /bin/true\n' "$ROUND" | crontab -u "$user" -
        quiet crontab -u "$user" -l
    done
    printf 'not a crontab\n' | quiet crontab -u alice -
    [[ $ROUND == 2 ]] && quiet crontab -u carol -r
    [[ $ROUND == 3 ]] && { echo carol >/etc/cron.deny; runuser -u carol -- crontab -l >/dev/null 2>&1; systemctl restart cron; }
    echo 'echo done' | at now >/dev/null 2>&1
    true
}
proof() { tagged cron CRON crontab atd; }
