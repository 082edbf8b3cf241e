# shellcheck shell=bash
# rsyslog: every host writes its stream in the wire format of its kind of archive, and the sink log01 keeps what all forward.
HOSTS_OF="gw01 web01 db01 mail01 app01 file01 log01"
AT_LEAST=6

inputs() {
    cat <<'C'
module(load="imuxsock")
module(load="imklog" permitnonkernelfacility="on")
module(load="impstats" interval="60" format="legacy")
global(workDirectory="/var/spool/rsyslog" maxMessageSize="64k")
$FileCreateMode 0640
template(name="forwardline" type="string" string="<%PRI%>%TIMESTAMP:::date-rfc3339% %HOSTNAME% %syslogtag:1:32%%msg:::sp-if-no-1st-sp%%msg%\n")
template(name="jsonmesg" type="list") { property(name="jsonmesg") constant(value="\n") }
include(file="/etc/rsyslog.d/*.conf")
C
}

rules() {
    case $(hostname) in
    web01 | mail01) cat <<'C' ;;
$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat
auth,authpriv.*                 /var/log/auth.log
kern.*                          -/var/log/kern.log
mail.*                          -/var/log/mail.log
*.*;auth,authpriv,mail,kern.none -/var/log/syslog
C
    db01) echo '*.* action(type="omfile" file="/var/log/messages" template="RSYSLOG_FileFormat")' ;;
    gw01) cat <<'C' ;;
kern.*          action(type="omfile" file="/var/log/firewall.log" template="forwardline")
*.*;kern.none   action(type="omfile" file="/var/log/net5424.log" template="RSYSLOG_SyslogProtocol23Format")
C
    app01) echo '*.* action(type="omfile" file="/var/log/app.json.log" template="jsonmesg")' ;;
    file01) cat <<'C' ;;
template(name="withpri" type="string" string="<%PRI%>%TIMESTAMP% %HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg:::drop-last-lf%\n")
*.* action(type="omfile" file="/var/log/messages" template="withpri")
C
    log01) cat <<'C' ;;
module(load="imtcp")
module(load="imudp")
input(type="imtcp" port="514" ruleset="remote")
input(type="imudp" port="514" ruleset="remote")
ruleset(name="remote") {
    action(type="omfile" file="/var/log/remote/all.log" template="RSYSLOG_SyslogProtocol23Format")
}
*.* action(type="omfile" file="/var/log/messages" template="RSYSLOG_FileFormat")
C
    esac
}

setup() {
    rm -f /etc/rsyslog.d/*haproxy*.conf
    { inputs; rules; } >/etc/rsyslog.conf
    [[ $(hostname) == log01 ]] || cat >/etc/rsyslog.d/60-forward.conf <<'C'
auth,authpriv.*;*.err action(type="omfwd" target="10.20.30.16" port="514" protocol="tcp" template="RSYSLOG_SyslogProtocol23Format"
    queue.type="LinkedList" action.resumeRetryCount="-1" action.resumeInterval="5")
C
    systemctl stop rsyslog syslog.socket
    rm -f /var/log/{syslog,messages,*.log}
    systemctl start rsyslog
}

load() {
    case $ROUND-$(hostname) in
    1-web01)   # a typing mistake in a drop-in
        echo 'module(load="imnothere")' >/etc/rsyslog.d/90-mistake.conf
        echo '*.* action(type="omfille" file="/dev/null")' >>/etc/rsyslog.d/90-mistake.conf
        systemctl restart rsyslog
        rm /etc/rsyslog.d/90-mistake.conf
        systemctl restart rsyslog ;;
    2-file01)  # a full disk
        mkdir -p /srv/archive && mount -t tmpfs -o size=64k tmpfs /srv/archive
        echo '*.* action(type="omfile" file="/srv/archive/all.log")' >/etc/rsyslog.d/80-archive.conf
        systemctl restart rsyslog
        for ((i = 0; i < 150; i++)); do logger -t archiver -p local3.info "archived batch $i of 150, $((i * 4096)) bytes, next in 30 s"; done
        sleep 1
        rm /etc/rsyslog.d/80-archive.conf
        systemctl restart rsyslog ;;
    2-log01)   # the sink goes away for a while; the others suspend and resume
        systemctl stop rsyslog
        sleep 8
        systemctl start rsyslog ;;
    *) kill_main rsyslog HUP ;;
    esac
}
proof() { tagged rsyslogd; }
