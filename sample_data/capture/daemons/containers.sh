# shellcheck shell=bash
# Containers on the application host: conmon writes what they print in the CRI format, as under Kubernetes.
HOSTS_OF="app01"
AT_LEAST=100

# container NAME COMMAND...: one crun container on the host's own root, watched by conmon.
container() {
    local name=$1 bundle=/run/bundles/$1 id log
    shift
    id=$(printf '%s' "$name$ROUND" | sha256sum | cut -c1-64)
    log=/var/log/pods/shop_$name/$ROUND.log
    mkdir -p "$bundle/rootfs" "${log%/*}" /run/conmon/sockets
    (cd "$bundle" && rm -f config.json && crun spec)
    mountpoint -q "$bundle/rootfs" || mount --bind / "$bundle/rootfs"
    python3 - "$bundle/config.json" "$@" <<'P'
import json, sys
path, *command = sys.argv[1:]
spec = json.load(open(path))
spec["process"].update(terminal=False, args=command, cwd="/")
spec["root"]["readonly"] = False
spec["linux"]["namespaces"] = [{"type": "pid"}, {"type": "mount"}]
spec["mounts"] = [m for m in spec["mounts"] if m["destination"] == "/proc"]
spec.pop("hostname", None)
spec["linux"].pop("resources", None)
json.dump(spec, open(path, "w"))
P
    conmon --api-version 1 -c "$id" -u "$id" -r /usr/bin/crun --runtime-arg --cgroup-manager=disabled -b "$bundle" -l "k8s-file:$log" \
        -p "/run/conmon/$name.pid" -P "/run/conmon/$name.conmon" --exit-dir /run/conmon --socket-dir-path /run/conmon/sockets --syslog >/dev/null 2>&1
    local tries
    for tries in 1 2 3 4 5 6; do   # conmon answers before crun has made the container
        crun --cgroup-manager=disabled start "$id" 2>/dev/null && break
        sleep 0.5
    done
    ((tries < 6)) || echo "container $name did not start" >&2
}
load() {
    container front /usr/bin/gunicorn -w 2 --timeout 3 -b 0.0.0.0:8002 --access-logfile - --chdir /srv/shop shop:app
    container cache /usr/bin/redis-server --port 6390 --maxmemory 2mb
    container proxy /usr/sbin/nginx -g 'daemon off; error_log stderr info; pid /run/nginx2.pid;' -c /srv/shop/nginx.conf
    container job /usr/bin/python3 -c 'import sys; print("processing 41 orders"); print("x" * 20000); sys.exit(int("forty-two"))'
    wait_port 8002
    loads http 127.0.0.1 8002 18
    loads http 127.0.0.1 8003 18
    loads crash 127.0.0.1 8002
    quiet redis-cli -p 6390 bgsave; sleep 1
    quiet redis-cli -p 6390 shutdown nosave
    local name
    for name in front proxy cache job; do kill -TERM "$(cat /run/conmon/$name.pid 2>/dev/null)" 2>/dev/null; done
    sleep 2
    for name in front proxy cache job; do umount "/run/bundles/$name/rootfs" 2>/dev/null; done
    true
}
proof() { cat /var/log/pods/*/*.log; }
