# shellcheck shell=bash
# postfix, with postgrey and opendkim: delivered, bounced, rejected, deferred mail; dead relays, a full queue disk, killed processes.
HOSTS_OF="mail01"
AT_LEAST=900

setup() {
    echo mail01.example.net >/etc/mailname
    cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
    postconf -e 'myhostname=mail01.example.net' 'mydestination=example.net, mail01.example.net, localhost' \
        'mynetworks=127.0.0.0/8 10.20.30.0/24' 'inet_protocols=ipv4' 'message_size_limit=40000' 'mailbox_size_limit=0' \
        'smtpd_helo_required=yes' 'smtpd_helo_restrictions=reject_invalid_helo_hostname' \
        'smtpd_sender_restrictions=check_sender_access texthash:/etc/postfix/sender_access,reject_non_fqdn_sender,reject_unknown_sender_domain' \
        'smtpd_recipient_restrictions=permit_mynetworks,permit_sasl_authenticated,reject_unauth_destination,reject_unlisted_recipient,check_policy_service inet:127.0.0.1:10023' \
        'transport_maps=texthash:/etc/postfix/transport' 'header_checks=regexp:/etc/postfix/header_checks' \
        'smtpd_milters=inet:127.0.0.1:8891' 'milter_default_action=accept' 'smtpd_sasl_type=dovecot' \
        'smtpd_sasl_path=private/auth' 'smtpd_sasl_auth_enable=yes' 'smtp_connect_timeout=5' 'minimal_backoff_time=20s' \
        'queue_run_delay=20s' 'maximal_queue_lifetime=120s' 'bounce_queue_lifetime=120s' 'disable_vrfy_command=yes' \
        'smtpd_tls_cert_file=/etc/ssl/mail.pem' 'smtpd_tls_key_file=/etc/ssl/mail.pem' 'smtpd_tls_security_level=may' \
        'smtpd_tls_loglevel=1' 'smtp_tls_security_level=may' 'smtpd_client_connection_rate_limit=400' \
        'mailbox_transport=lmtp:unix:private/dovecot-lmtp' 'smtpd_error_sleep_time=0'
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=mail01.example.net -keyout /tmp/k -out /tmp/c 2>/dev/null
    cat /tmp/k /tmp/c >/etc/ssl/mail.pem
    printf 'spammer@example.org REJECT no more of this\nbulk.example.org 554 bulk mail is not wanted here\n' >/etc/postfix/sender_access
    printf '/^Subject: .*lottery/ REJECT lottery\n/^Subject: .*invoice/ WARN invoice\n/^Subject: .*hold me/ HOLD\n' >/etc/postfix/header_checks
    cat >/etc/postfix/transport <<'C'
refused.example.org smtp:[10.20.30.11]:2525
dead.example.org    smtp:[10.20.30.250]:25
partner.example.org smtp:[10.20.30.13]:2600
nodns.example.org   smtp:[mx.nowhere.invalid]:25
C
    printf 'root: alice\npostmaster: alice\nteam: alice, carol, nobody-here\nloop: loop2\nloop2: loop\nfull: "|/bin/false"\n' >/etc/aliases
    newaliases
    conf /etc/opendkim.conf <<'C'
Syslog yes
LogWhy yes
Mode sv
Domain example.net
Selector s1
KeyFile /etc/dkimkeys/s1.private
Socket inet:8891@127.0.0.1
UserID opendkim
PidFile /run/opendkim/opendkim.pid
C
    openssl genrsa -out /etc/dkimkeys/s1.private 2048 2>/dev/null
    chown opendkim /etc/dkimkeys/s1.private; chmod 600 /etc/dkimkeys/s1.private
    sed -i 's/^POSTGREY_OPTS=.*/POSTGREY_OPTS="--inet=127.0.0.1:10023 --delay=15"/' /etc/default/postgrey
    start opendkim postgrey postfix
    unit partner "/usr/bin/python3 /opt/capture/loads.py partner 2600" "Partner's mail server"
    systemctl enable --now --quiet partner
    wait_port 25
}

attack() { loads smtp 10.20.30.13 "$ROUND"; }

load() {
    loads smtp_local 127.0.0.1 "$ROUND"
    postqueue -f
    case $ROUND in
    1)
        postconf -e 'smtpd_bannner=oops' 'queue_minfree=900000000000'; postfix reload 2>/dev/null
        loads smtp_local 127.0.0.1 4
        postconf -X smtpd_bannner queue_minfree; postfix reload 2>/dev/null
        systemctl stop opendkim; loads smtp_local 127.0.0.1 4; systemctl start opendkim ;;
    2)
        systemctl stop postgrey; sleep 1; systemctl start postgrey
        kill -KILL "$(pgrep -x qmgr)"; kill -SEGV "$(pgrep -x pickup)"; sleep 2
        postsuper -d ALL hold 2>/dev/null; postsuper -r ALL 2>/dev/null ;;
    3)
        mv /etc/postfix/transport /etc/postfix/transport.off; postfix reload 2>/dev/null
        loads smtp_local 127.0.0.1 4
        mv /etc/postfix/transport.off /etc/postfix/transport; systemctl restart postfix ;;
    esac
}
proof() { cat /var/log/mail.log*; }
