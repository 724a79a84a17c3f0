#!/bin/sh
# Runs a Ceph of one monitor, one storage daemon in memory and one gateway on 127.0.0.1:
#   serve-ceph.sh <folder with ceph.conf> <access key> <secret key>
# All of them end with this script.
set -eu
cd "$1"
ceph() { command ceph -c ceph.conf "$@" >>commands.log 2>&1; }

monmaptool --create --fsid "$(sed -n 's/^fsid = //p' ceph.conf)" \
  --addv a "[$(sed -n 's/^mon_host = //p' ceph.conf)]" monmap >>commands.log 2>&1
ceph-mon -c ceph.conf -i a --mkfs --monmap monmap >>commands.log 2>&1
ceph-mon -c ceph.conf -i a -f &
mon=$!
osd=
gateway=
trap 'kill -9 $mon $osd $gateway 2>/dev/null; wait; exit 0' TERM INT
fsid=$(cat /proc/sys/kernel/random/uuid)
until ceph --connect-timeout 5 osd new "$fsid"; do sleep 0.1; done
ceph-osd -c ceph.conf -i 0 --mkfs --osd-uuid "$fsid" >>commands.log 2>&1
ceph-osd -c ceph.conf -i 0 -f &
osd=$!
radosgw-admin -c ceph.conf user create --uid=test --display-name=test --access-key="$2" --secret-key="$3" >>commands.log 2>&1
radosgw -c ceph.conf -n client.rgw -f &
gateway=$!
wait $gateway
