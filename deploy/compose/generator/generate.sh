#!/bin/sh
# Send lines as some hosts would, of several severities, to the relay: RATE lines a second, for ever or LINES in all.
set -eu
: "${RELAY:=rsyslog}" "${PORT:=514}" "${RATE:=20}" "${LINES:=0}"

say() { # priority, tag, message
    logger --server "$RELAY" --port "$PORT" --udp --rfc5424=notq -p "$1" -t "$2" -- "$3"
}

sent=0
while [ "$LINES" -eq 0 ] || [ "$sent" -lt "$LINES" ]; do
    sent=$((sent + 1))
    port=$((20000 + sent % 9973))
    case $((sent % 12)) in
        0) say auth.info sshd "Accepted publickey for deploy from 192.0.2.$((sent % 200)) port $port ssh2" ;;
        1) say auth.warning sshd "Failed password for invalid user admin from 198.51.100.$((sent % 200)) port $port ssh2" ;;
        2) say daemon.info nginx "192.0.2.$((sent % 200)) \"GET /orders/$sent HTTP/1.1\" 200 $((sent % 5000))" ;;
        3) say daemon.err nginx "upstream timed out while reading response header from 10.0.0.$((sent % 9)):8080" ;;
        4) say cron.info CRON "(root) CMD (run-parts /etc/cron.hourly) [$sent]" ;;
        5) say kern.warning kernel "TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies." ;;
        6) say kern.crit kernel "Out of memory: Killed process $port (java) total-vm:$((sent * 17))kB" ;;
        7) say daemon.notice systemd "session-$sent.scope: Deactivated successfully." ;;
        8) say mail.info postfix/smtp "$sent: to=<someone@example.com>, status=sent (250 2.0.0 Ok)" ;;
        9) say local0.info payments "order $sent settled in $((sent % 900)) ms" ;;
        10) say local0.err payments "order $sent refused: card expired" ;;
        11) say daemon.debug dhcpd "DHCPACK on 10.1.$((sent % 250)).$((sent % 199)) to 02:00:00:00:00:01 via eth0" ;;
    esac
    [ $((sent % RATE)) -ne 0 ] || sleep 1
done
