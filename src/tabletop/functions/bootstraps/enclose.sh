#!/bin/sh
# Makes a function's own view of the system and runs it there: see enclosures.py. Runs as the first process of new user,
# mount and process namespaces; what it mounts is seen by nobody else and is gone with it.
#
# enclose.sh ROOT TMP_BYTES ROOT_BYTES {show SOURCE TARGET | hide FOLDER FOLDER | link TARGET NAME}... run COMMAND...
set -eu
root=$1 tmp_bytes=$2 root_bytes=$3
shift 3
mkdir -p "$root"
mount -t tmpfs -o "size=$root_bytes,mode=755,nosuid,nodev" root "$root"
while [ "$1" != run ]; do
    case $1 in
    link) ln -s "$2" "$root$3" ;;
    hide) mount -t tmpfs -o "size=4k,mode=755,nosuid,nodev" hidden "$root$3" ;;
    show)
        folder=$root$3
        [ -d "$2" ] || folder=${folder%/*}
        [ -d "$folder" ] || mkdir -p "$folder"
        [ -d "$2" ] || : > "$root$3"
        mount -o rbind,ro,nosuid "$2" "$root$3"
        ;;
    esac
    shift 3
done
shift
mkdir -p "$root/proc" "$root/dev" "$root/tmp" "$root/opt" "$root/old"
for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o "size=$tmp_bytes,mode=1777,nosuid,nodev" tmp "$root/tmp"
cd "$root"
pivot_root . old
umount -l /old
rmdir /old
mount -o remount,bind,ro,nosuid,nodev,noexec /proc
mount -o remount,ro /
cd /var/task
# Not in place of this shell: signals that a first process has no handler for would not reach it.
set +e
setpriv --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"
exit $?
