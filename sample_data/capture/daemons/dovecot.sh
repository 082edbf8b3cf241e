# shellcheck shell=bash
# dovecot: IMAP and POP3 logins good and bad, lost connections, deliveries over LMTP, a broken configuration, a killed process.
HOSTS_OF="mail01"
AT_LEAST=200

setup() {
    conf /etc/dovecot/local.conf <<'C'
protocols = imap pop3 lmtp
listen = *
mail_location = maildir:~/Maildir
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %n
auth_verbose = yes
mail_max_userip_connections = 5
ssl = yes
ssl_cert = </etc/ssl/mail.pem
ssl_key = </etc/ssl/mail.pem
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0666
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0666
  }
}
C
    start dovecot
    wait_port 143
}
attack() { loads imap 10.20.30.13; }
load() {
    loads imap 127.0.0.1
    case $ROUND in
    1) echo 'no_such_setting = 1' >>/etc/dovecot/local.conf; quiet systemctl restart dovecot
       sed -i '$d' /etc/dovecot/local.conf; start dovecot ;;
    2) kill -KILL "$(pgrep -x -u dovecot auth | head -n 1)" "$(pgrep -f dovecot/anvil | head -n 1)"; loads imap 127.0.0.1 ;;
    3) chown root:root /home/carol/Maildir; chmod 700 /home/carol/Maildir; loads imap 127.0.0.1; chown -R carol: /home/carol/Maildir ;;
    esac
}
proof() { tagged dovecot; }
