#!/bin/sh
# Runs a Ceph of one monitor, one storage daemon in memory and one gateway on 127.0.0.1:
#   serve-ceph.sh <folder with ceph.conf> <access key> <secret key>
# All of them end with this script.
set -eu
cd "$1"
mkdir -p mon osd
daemons=
trap 'kill -9 $daemons 2>/dev/null || true' EXIT
trap 'exit 0' TERM INT HUP

# Runs a program to its end; unlike the shell itself, `wait` is interrupted by a signal.
run() {
  "$@" >>commands.log 2>&1 &
  wait $!
}

run monmaptool --create --fsid "$(sed -n 's/^fsid = //p' ceph.conf)" \
  --addv a "[$(sed -n 's/^mon_host = //p' ceph.conf)]" monmap
run ceph-mon -c ceph.conf -i a --mkfs --monmap monmap
ceph-mon -c ceph.conf -i a -f &
daemons=$!
id=$(cat /proc/sys/kernel/random/uuid)
until run ceph -c ceph.conf --connect-timeout 5 osd new "$id"; do sleep 0.1; done
run ceph-osd -c ceph.conf -i 0 --mkfs --osd-uuid "$id"
ceph-osd -c ceph.conf -i 0 -f &
daemons="$daemons $!"
run radosgw-admin -c ceph.conf user create --uid=test --display-name=test --access-key="$2" --secret-key="$3"
radosgw -c ceph.conf -n client.rgw -f &
daemons="$daemons $!"
wait $!
