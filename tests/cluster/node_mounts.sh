#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# node_mounts.sh FOLDER CGROUP: run once in the namespaces of a new node. What the node writes to the machine's
# own folders goes to FOLDER instead, and its control groups are below CGROUP.
set -eu
folder=$1 cgroup=$2

mount --make-rprivate /
for directory in /var/lib /var/log /etc; do
  upper=$folder/overlay$directory work=$folder/overlay-work$directory
  mkdir -p "$upper" "$work"
  mount -t overlay overlay -o "lowerdir=$directory,upperdir=$upper,workdir=$work" "$directory"
done
mount -t tmpfs tmpfs /run

# /sys shows the network namespace in which it is mounted; control groups stay the machine's.
mkdir -p "$folder/cgroup"
mount --rbind /sys/fs/cgroup "$folder/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$folder/cgroup" /sys/fs/cgroup
umount --lazy "$folder/cgroup"
mount -t bpf bpf /sys/fs/bpf

# Version 1 has a tree for every controller, version 2 a single one.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p "/sys/fs/cgroup/$cgroup"
else
  for tree in /sys/fs/cgroup/*/; do
    [ -L "${tree%/}" ] || mkdir -p "$tree$cgroup"
  done
  # Without processors and memory of its own, a cpuset takes no process.
  cpuset=/sys/fs/cgroup/cpuset
  if [ -f "$cpuset/cpuset.cpus" ]; then
    for file in cpuset.cpus cpuset.mems; do cat "$cpuset/$file" >"$cpuset/$cgroup/$file"; done
  fi
fi

# The kubelet wants these kernel parameters, which are the machine's: it gets files of its own to write to.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  name=${setting%=*} file=$folder/parameters/${setting%=*}
  mkdir -p "${file%/*}"
  echo "${setting#*=}" >"$file"
  mount --bind "$file" "/proc/sys/$name"
done

sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
# Where bridges can hand packets to netfilter, kube-proxy counts on it for pods that call their own node's pods.
for family in iptables ip6tables; do
  if [ -f "/proc/sys/net/bridge/bridge-nf-call-$family" ]; then
    sysctl -q -w "net.bridge.bridge-nf-call-$family=1"
  fi
done
mount --make-rshared /
