# shellcheck shell=bash
# Collecting: which files of which host become which archive, what is replaced in them, and the check that nothing private is left.
# Sourced by capture.sh.

# What would tell on which machine or network the capture ran; no collected line may match.
MACHINE="Kernel command line|[]] Command line:|firecracker|FIRECK|sandbox|gVisor|nvproxy|fc-v|kvm|hypervisor|vsock|virtio|process_api|runsc|Amazon|Google|Azure|\bDMI\b|\bOEM\b|builder@|drop_caches|virtual machine"
PRIVATE="$MACHINE|$SITE|deb\.debian|://[^ /\"]*(mirror|registry|proxy|pypi|maven)"

export_journals() {
    in_host app01 journalctl --no-pager -o json -u shop8000 -u shop8001 -u monit -u mosquitto -u prometheus -u systemd-logind -n 700 |
        gzip -9n >"$SITE/app01/root/var/log/journal.json.gz"
    in_host web01 journalctl --no-pager -o short-iso -u 'ssh*' -u cron -u nginx -u haproxy -p 6 -n 1500 >"$SITE/web01/root/var/log/journal.short-iso"
}

# collect FOLDER: copies the logs, says which lines were replaced, keeps each archive's own compression.
collect() {
    local into=$1 host file
    rm -rf "$into"
    for host in "${HOSTS[@]}"; do
        local from=$SITE/$host/root/var/log
        mkdir -p "$into/$host"
        for file in "$from"/{syslog,auth.log,kern.log,mail.log,messages,firewall.log,net5424.log,app.json.log}* \
            "$from"/{nginx,apache2,postgresql,mysql,squid,remote,frr}/*.log* "$from"/tomcat10/* "$from"/pods/*/*.log "$from"/supervisor/supervisord.log "$from"/{dpkg.log,journal.json.gz,journal.short-iso}; do
            [[ ! -s $file ]] || take "$file" "$into/$host/$(basename "$(dirname "$file")" | sed 's/^log$//; s/^postgresql$//; s/^frr$//; s/..*/&-/')$(basename "$file")"
        done
    done
}

pack() { case $1 in gz) gzip -9n ;; bz2) bzip2 -9 ;; xz) xz -9 ;; zst) zstd -q -19 ;; *) cat ;; esac; }
unpack() { case $1 in *.gz) gzip -dc "$1" ;; *.bz2) bzip2 -dc "$1" ;; *.xz) xz -dc "$1" ;; *.zst) zstd -qdc "$1" ;; *) cat "$1" ;; esac; }

take() {
    local found
    unpack "$1" | sed -E -e "s/$(uname -r)/6.1.0-31-amd64/g" -e "s/systemd-nspawn/container/g" -e "s#$SITE/##g" >"$SITE/taken"
    if found=$(grep -Eic "$PRIVATE" "$SITE/taken"); then
        say "left out of $2: $found lines that name the machine"
        sed -i -E "\\%$PRIVATE%Id" "$SITE/taken"
    fi
    [[ -s $SITE/taken ]] || return 0
    pack "${2##*.}" <"$SITE/taken" >"$2"
    touch -r "$1" "$2"
}
