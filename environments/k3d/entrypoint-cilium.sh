#!/bin/sh
# Runs in every node of k3d before k3s does. The nodes are containers without the mounts that a machine has: Cilium needs the BPF file
# system and cgroup v2, both shared, so that pods see what is mounted below them.
set -e

mount bpffs -t bpf /sys/fs/bpf
mount --make-shared /sys/fs/bpf

mkdir -p /run/cilium/cgroupv2
mount none -t cgroup2 /run/cilium/cgroupv2
mount --make-shared /run/cilium/cgroupv2

# Node exporter and Beyla look at the whole node.
mount --make-rshared /
