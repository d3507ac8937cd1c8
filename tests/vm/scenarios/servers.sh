# shellcheck shell=sh
# Servers in the kernel that sync files for their clients: nfsd, and the targets of SCSI and NVMe.
# Here the clients are on the same machine, but nothing ties their calls to the servers'.
# disks: virtio-wb:512M
# timeout: 400
# check: check-servers
# payload: yes
# shellcheck source=/dev/null
. /harness/guest.sh

CONFIG=/sys/kernel/config
mkdir -p /srv /nfs

# Once: for its first seconds it waits for clients of a server before it.
serve_nfs() {
    ip link set lo up
    modprobe nfsd
    modprobe nfsv4
    mount -t nfsd nfsd /proc/fs/nfsd
    echo "-2 -3 +4 +4.1" >/proc/fs/nfsd/versions
    echo 10 >/proc/fs/nfsd/nfsv4leasetime
    echo 10 >/proc/fs/nfsd/nfsv4gracetime
    echo "tcp 2049" >/proc/fs/nfsd/portlist
    echo 2 >/proc/fs/nfsd/threads
}

# What mountd would answer: any client may mount /srv, as the root of all.
export_srv() {
    echo "nfsd 127.0.0.1 2147483647 *" >/proc/net/rpc/auth.unix.ip/channel
    echo "* /srv 2147483647 $((0x2000 | 0x400 | 0x2)) 65534 65534 0" >/proc/net/rpc/nfsd.export/channel
    printf '%s\n' '* 1 \x00000000 2147483647 /srv' >/proc/net/rpc/nfsd.fh/channel
    mount -t nfs4 -o vers=4.1,addr=127.0.0.1,clientaddr=127.0.0.1 127.0.0.1:/ /nfs
}

# It keeps files open until its tables are emptied.
unexport_srv() {
    umount /nfs
    for table in auth.unix.ip nfsd.export nfsd.fh; do
        echo 2000000000 >/proc/net/rpc/$table/flush
    done
}

# A call that a client waits for: the file that is to be durable then, and a mark.
call() { # COMM FILE COMMAND...
    echo "$1 $2" >>"$RESULTS/calls"
    call_name=$(basename "$2")
    call_file=$2
    shift 2
    "$@" >/dev/null
    mark "$call_name"
    (cd /srv && md5sum "${call_file#/srv/}") >"$RESULTS/$call_name.sums"
}

lun() { # the disk that the target of SCSI shows
    for lun_disk in /sys/block/sd*; do
        case $(cat "$lun_disk/device/vendor" 2>/dev/null) in LIO-ORG*) echo "/dev/${lun_disk##*/}" ;; esac
    done
}

namespace() { # the one that the target of NVMe shows
    for namespace_disk in /sys/block/nvme*; do
        [ ! -b "/dev/${namespace_disk##*/}" ] || echo "/dev/${namespace_disk##*/}"
    done
}

await() { # TENTHS COMMAND...
    await_tries=$1
    shift
    until "$@" 2>/dev/null; do
        await_tries=$((await_tries - 1))
        [ $await_tries -gt 0 ] || fail "in vain: $*"
        sleep 0.1
    done
}
shown() { [ -n "$("$1")" ]; } # lun|namespace

serve_lun() { # FILE
    modprobe target_core_file
    modprobe tcm_loop
    modprobe sd_mod
    store=$CONFIG/target/core/fileio_0/store
    port=$CONFIG/target/loopback/naa.5001405000000001/tpgt_1
    mkdir -p "$store" "$port/lun/lun_0"
    echo "fd_dev_name=$1,fd_dev_size=16777216,fd_buffered_io=1" >"$store/control"
    echo 1 >"$store/enable"
    echo naa.5001405000000002 >"$port/nexus"
    ln -s "$store" "$port/lun/lun_0/store"
    await 100 shown lun
}

end_lun() {
    rm "$port/lun/lun_0/store"
    rmdir "$port/lun/lun_0" "$port" "${port%/*}" "$store" "${store%/*}"
}

serve_namespace() { # FILE
    truncate -s 16M "$1"
    subsystem=$CONFIG/nvmet/subsystems/store
    port=$CONFIG/nvmet/ports/1
    mkdir -p "$subsystem/namespaces/1" "$port"
    echo 1 >"$subsystem/attr_allow_any_host"
    echo "$1" >"$subsystem/namespaces/1/device_path"
    echo 1 >"$subsystem/namespaces/1/buffered_io"
    echo 1 >"$subsystem/namespaces/1/enable"
    echo loop >"$port/addr_trtype"
    ln -s "$subsystem" "$port/subsystems/store"
    echo "transport=loop,nqn=store" >/dev/nvme-fabrics
    await 100 shown namespace
}

end_namespace() {
    echo 1 >"$(echo /sys/class/nvme/nvme*/delete_controller)"
    rm "$port/subsystems/store"
    echo 0 >"$subsystem/namespaces/1/enable"
    rmdir "$port" "$subsystem/namespaces/1" "$subsystem"
}

stack() { # NAME FSTYPE [MOUNTOPTIONS]
    fresh "$2" virtio-wb /srv "${3-}"
    export_srv
    call nfsd "/srv/$1-commit" xfs_io -f -c "pwrite -S 0x61 0 50000" -c fsync "/nfs/$1-commit"
    call nfsd "/srv/$1-stable" xfs_io -f -d -s -c "pwrite -S 0x62 0 8192" "/nfs/$1-stable"
    unexport_srv
    serve_lun "/srv/$1-lun"
    call target "/srv/$1-lun" xfs_io -c "pwrite -S 0x63 0 50000" -c fsync "$(lun)"
    end_lun
    if modprobe -q nvme-loop; then
        serve_namespace "/srv/$1-namespace"
        call nvmet "/srv/$1-namespace" xfs_io -c "pwrite -S 0x64 0 50000" -c fsync "$(namespace)"
        end_namespace
    fi
    await 400 umount /srv
}

# The tracepoints of file systems are there with their modules alone.
modprobe -qa configfs ext4 xfs
grep -q " $CONFIG " /proc/mounts || mount -t configfs configfs $CONFIG
flushaudit watch ${LEVEL:+--level "$LEVEL"} --json >"$RESULTS/watch.json" 2>"$RESULTS/watch.err" &
watch=$!
await 600 grep -q "watching at" "$RESULTS/watch.err"
serve_nfs
stack ext4 ext4
stack nobarrier ext4 nobarrier
stack xfs xfs
kill -INT $watch
wait $watch || :
