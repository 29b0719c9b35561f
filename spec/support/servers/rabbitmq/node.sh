#!/bin/sh
# Becomes a RabbitMQ node: node.sh ROOT RUN VARIABLE=VALUE... PROGRAM ARGUMENT...
#
# It runs as the first process of a mount and pid namespace of its own, so that the mounts below are seen by the node
# alone and end with it. All nodes share ROOT, which is read-only for them; RUN holds what is theirs.
set -e
root=$1
run=$2
shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$run" "$root/run-data"
exec chroot "$root" /usr/bin/env -i "$@"
