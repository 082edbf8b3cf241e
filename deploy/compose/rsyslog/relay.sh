#!/bin/sh
# Run rsyslog as a relay in the foreground, from the snippets in SNIPPETS, with the brokers named in BROKERS.
set -eu
: "${BROKERS:=kafka:9092}" "${TOPIC:=logs}" "${SNIPPETS:=/snippets}" "${SPOOL:=/var/spool/dioptre}" "${PORT:=514}"

conf="$SPOOL/rsyslog.conf"
{
    echo "global(workDirectory=\"$SPOOL\")"
    sed "s/port=\"514\"/port=\"$PORT\"/" "$SNIPPETS/relay.conf"
    sed -e "s/\"localhost:9092\"/\"$BROKERS\"/" -e "s/topic=\"logs\"/topic=\"$TOPIC\"/" "$SNIPPETS/dioptre.conf"
} > "$conf"
exec rsyslogd -n -f "$conf" -i "$SPOOL/rsyslogd.pid"
