# shellcheck shell=bash
# The file server: vsftpd, samba, slapd, freeradius, rsync, tftpd, cups, rpcbind, avahi, dnsmasq, stunnel, xinetd, smartd.
HOSTS_OF="file01"
AT_LEAST=300

setup() {
    mkdir -p /srv/share /srv/tftp /var/run/vsftpd/empty
    echo data >/srv/share/report.txt; echo boot >/srv/tftp/pxe.0
    printf 'listen=YES\nlisten_ipv6=NO\nanonymous_enable=NO\nlocal_enable=YES\nwrite_enable=YES\nsyslog_enable=YES\nlog_ftp_protocol=NO\nxferlog_enable=YES\nseccomp_sandbox=NO\ndual_log_enable=NO\nsession_support=YES\n' >/etc/vsftpd.conf
    conf /etc/samba/smb.conf <<'C'
[global]
workgroup = EXAMPLE
server string = files
log level = 1 auth:2
logging = syslog@2
disable netbios = yes
[share]
path = /srv/share
valid users = alice
[gone]
path = /srv/gone
C
    printf 'Blue-Kettle-7\nBlue-Kettle-7\n' | smbpasswd -s -a alice >/dev/null 2>&1
    printf 'log file = /dev/null\nuse chroot = no\nmax connections = 2\n[data]\npath = /srv/share\n[locked]\npath = /srv/share\nauth users = alice\nsecrets file = /etc/rsyncd.secrets\n' >/etc/rsyncd.conf
    sed -i '/^log file/d' /etc/rsyncd.conf
    echo 'alice:Blue-Kettle-7' >/etc/rsyncd.secrets; chmod 600 /etc/rsyncd.secrets
    printf 'interface=eth0\nport=5353\nlog-queries\nlog-facility=daemon\nno-resolv\nserver=10.20.30.1\naddress=/printer.example.net/10.20.30.90\n' >/etc/dnsmasq.conf
    unit dnsmasq "/usr/sbin/dnsmasq -k -C /etc/dnsmasq.conf" "dnsmasq"
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=file01.example.net -keyout /etc/stunnel/key.pem -out /etc/stunnel/cert.pem 2>/dev/null
    printf 'foreground = quiet\nsyslog = yes\ndebug = info\n[ldaps]\naccept = 10636\nconnect = 389\ncert = /etc/stunnel/cert.pem\nkey = /etc/stunnel/key.pem\n[dead]\naccept = 10637\nconnect = 9\ncert = /etc/stunnel/cert.pem\nkey = /etc/stunnel/key.pem\n' >/etc/stunnel/site.conf
    unit stunnel-site "/usr/bin/stunnel4 /etc/stunnel/site.conf" "TLS tunnels"
    conf /etc/xinetd.d/echo2 <<'C'
service echo
{
    type = INTERNAL
    id = echo-stream
    socket_type = stream
    protocol = tcp
    user = root
    wait = no
    disable = no
    cps = 5 3
    log_on_success = HOST PID DURATION
    log_on_failure = HOST
}
C
    sed -i 's/auth = no/auth = yes/; s/auth_badpass = no/auth_badpass = no/; s/destination = files/destination = syslog/' /etc/freeradius/3.0/radiusd.conf
    echo 'carol Cleartext-Password := "Blue-Kettle-7"' | cat - /etc/freeradius/3.0/mods-config/files/authorize >/tmp/a; cat /tmp/a >/etc/freeradius/3.0/mods-config/files/authorize
    start vsftpd smbd rsync slapd freeradius tftpd-hpa cups rpcbind avahi-daemon dnsmasq stunnel-site xinetd
    quiet systemctl start smartmontools
    quiet ldapmodify -Y EXTERNAL -H ldapi:/// <<'C'
dn: cn=config
changetype: modify
replace: olcLogLevel
olcLogLevel: stats
C
}
ldap_faults() {
    printf 'dn: cn=config\nchangetype: modify\nreplace: olcLogLevel\nolcLogLevel: stats\n' >/tmp/level.ldif
    quiet ldapmodify -Y EXTERNAL -H ldapi:/// -f /tmp/level.ldif
    local i
    for i in 1 2; do
        quiet ldapsearch -x -H ldap://127.0.0.1 -b dc=example,dc=net "(uid=user$i)"
        quiet ldapsearch -x -H ldap://10.20.30.15 -D cn=admin,dc=example,dc=net -w wrong -b dc=example,dc=net
        quiet ldapsearch -x -H ldap://127.0.0.1 -b dc=nowhere '(cn=*)'
        LDAPTLS_REQCERT=never quiet ldapsearch -x -H ldaps://127.0.0.1:10636 -b '' -s base
    done
    quiet ldapadd -x -H ldap://127.0.0.1 -D cn=admin,dc=example,dc=net -w wrong
}
load() {
    local i
    for i in 1 2; do
        quiet lftp -u alice,Blue-Kettle-7 -e 'ls; put /etc/hosts; get nothere; mkdir a; rm hosts; bye' 127.0.0.1
        quiet lftp -u alice,wrong -e 'set net:max-retries 1; ls; bye' 127.0.0.1
        quiet lftp -u mallory,x -e 'set net:max-retries 1; ls; bye' 10.20.30.15
        quiet smbclient -U alice%Blue-Kettle-7 //127.0.0.1/share -c 'ls; get report.txt /tmp/r; get nothing'
        quiet smbclient -U alice%wrong //127.0.0.1/share -c ls
        quiet smbclient -U ghost%wrong //10.20.30.15/share -c ls
        quiet smbclient -U alice%Blue-Kettle-7 //127.0.0.1/gone -c ls
        quiet rsync -a rsync://127.0.0.1/data/ /tmp/in/
        quiet rsync -a rsync://127.0.0.1/nomodule/ /tmp/in/
        RSYNC_PASSWORD=wrong quiet rsync rsync://alice@127.0.0.1/locked/
        quiet tftp 127.0.0.1 -c get pxe.0; quiet tftp 127.0.0.1 -c get missing.cfg
        quiet radtest carol Blue-Kettle-7 127.0.0.1 0 testing123
        quiet radtest carol wrong 127.0.0.1 0 testing123
        quiet radtest mallory x 127.0.0.1 0 testing123
        quiet timeout 4 radtest carol x 10.20.30.15 0 wrongsecret
        for n in printer.example.net www.example.net nosuch.example.net mail01; do quiet dig +tries=1 +time=1 -p 5353 @10.20.30.15 "$n"; done
        echo hi | quiet nc -w1 127.0.0.1 7
        echo hi | quiet openssl s_client -connect 127.0.0.1:10637
        quiet nc -z 127.0.0.1 10636
        quiet lpstat -t; echo page | quiet lp -d nosuchprinter
    done
    ldap_faults
    for i in {1..9}; do echo hi | nc -w1 127.0.0.1 7 >/dev/null 2>&1 & done; wait
    case $ROUND in
    1) echo 'listn=YES' >>/etc/vsftpd.conf; quiet systemctl restart vsftpd; sed -i '$d' /etc/vsftpd.conf; start vsftpd; kill -TERM "$(pgrep -x slapd)"; sleep 1; start slapd ;;
    2) kill -KILL "$(pgrep -x slapd)"; kill_main smbd KILL; kill_main avahi-daemon KILL; kill_main dnsmasq KILL; sleep 2; start slapd smbd avahi-daemon dnsmasq ;;
    3) kill_main freeradius HUP; systemctl stop freeradius; echo 'garbage {' >>/etc/freeradius/3.0/clients.conf; quiet systemctl start freeradius; systemctl stop rpcbind rpcbind.socket cups; echo 'nonsense' >>/etc/xinetd.d/echo2; kill_main xinetd HUP ;;
    esac
}
attack() { loads garbage 10.20.30.15 21; loads garbage 10.20.30.15 445; loads garbage 10.20.30.15 873; loads garbage 10.20.30.15 10636; loads garbage 10.20.30.15 389; }
proof() { tagged vsftpd smbd smbd_audit rsyncd slapd in.tftpd radiusd freeradius dnsmasq stunnel xinetd cupsd rpcbind avahi-daemon smartd; }
