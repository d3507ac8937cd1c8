# shellcheck shell=dash
# Device stacks and file systems that can be made, taken apart and made again from
# what the disks hold. Functions only; for the guest and for the host.
#
#   stack_up STACK create|recover DISK...    sets TOP, the device for a file system
#   stack_down STACK                         after umount; leaves no device behind
#   stack_sync STACK [DEVICE...]             all that was written is on the media
#   stack_disks STACK                        how many disks it takes; on recover of raid
#                                            one of them may be the word "missing"
#   flakey_set STACK up|error_writes|drop_writes    stacks with "flakey" in the name
#   fs_create VARIANT TOP [SECOND]
#   fs_mount VARIANT create|recover DIR TOP [SECOND]
#   fs_umount VARIANT DIR
#   fs_needs_second VARIANT
#   stack_names, fs_names                    one per line
#   stack_missing STACK|VARIANT              true, and says so, if this kernel lacks it
#
# `create` starts from blank disks; `recover` writes to the disks only what the
# kernel must. stack_sync reaches the media also where the stack is made to lose
# flushes: call it after fs_create. What is up is noted in $STACK_RUN, so any shell
# with the same $STACK_RUN can take it down.
STACK_RUN=${STACK_RUN:-/run/stacks}

stack_names() {
    printf '%s\n' plain partition linear stripe crypt thin snapshot snapshot-cow writecache cache \
        raid0 raid1 raid5 dm-raid1 multipath multipath-bio bcache loop loop-nobarrier loop-tmpfs loop-loop overlay null zram raid1-wt \
        override linear-override flakey raid1-flakey
}

fs_names() {
    printf '%s\n' ext4 ext4-nobarrier ext4-data-journal ext4-data-writeback ext4-nojournal \
        ext4-async-commit ext4-fast-commit ext4-external-journal ext4-inline ext3 ext2 \
        xfs xfs-external-log xfs-realtime \
        btrfs btrfs-nobarrier btrfs-nodatacow btrfs-compress btrfs-raid1 \
        f2fs f2fs-strict f2fs-nobarrier f2fs-lfs f2fs-compress \
        f2fs-no-checkpoint vfat exfat overlay-ext4 overlay-volatile-ext4 tmpfs
}

stack_disks() { # STACK
    case $1 in
    raid5) echo 3 ;;
    stripe | writecache | cache | bcache | raid0 | raid1* | dm-raid1) echo 2 ;;
    loop-tmpfs | null | zram) echo 0 ;;
    *) echo 1 ;;
    esac
}

# --- what both need ---

st_say() { echo "stacks: $*" >&2; }

# The program itself: busybox's shell prefers its own applets to other programs. But those that
# ST_APPLETS names are meant: applets start at once.
st_tool() { # PROGRAM ARGUMENT...
    local dir name=$1
    shift
    case " ${ST_APPLETS-} " in *" $name "*)
        busybox "$name" "$@"
        return
        ;;
    esac
    for dir in /usr/sbin /usr/bin /sbin /bin; do
        if [ -x "$dir/$name" ]; then
            "$dir/$name" "$@"
            return
        fi
    done
    st_say "no program $name here"
    return 127
}

# A module that is built in, or not there at all, shows when it is used. Those that are loaded are
# not asked for again: a program takes a tenth of a second to start in an emulated guest.
st_modules() {
    local name module missing=''
    for name in "$@"; do
        module=$name
        while :; do
            case $module in *-*) module=${module%%-*}_${module#*-} ;; *) break ;; esac
        done
        [ -d "/sys/module/$module" ] || missing="$missing $name"
    done
    # shellcheck disable=SC2086 # a list of modules
    [ -z "$missing" ] || st_tool modprobe -qa $missing 2>/dev/null || true
}

# Waits up to 10 seconds for a command to succeed.
st_wait() { # COMMAND...
    local tries=0
    until "$@"; do
        tries=$((tries + 1))
        if [ $tries -ge 100 ]; then return 1; fi
        sleep 0.1
    done
}
st_gone() { [ ! -e "$1" ]; }

# blockdev would write the pages back and send no flush: fsync does both.
st_fsync() { # DEVICE|FILE...
    sync "$@"
}

st_sectors() { st_tool blockdev --getsz "$1"; }

st_zero() { dd if=/dev/zero of="$1" bs=4k count=4 conv=notrunc,fsync 2>/dev/null; }

# How a step is undone; stack_down goes through these lines from the last one.
st_undo() { echo "$*" >>"$STACK_RUN/$ST_NAME/undo"; }

# --- layers: each leaves its device in TOP ---

st_dm() { # NAME TABLE
    local node name
    st_modules dm-mod
    # No udev: the node that counts is the kernel's own, by number.
    st_tool dmsetup create "$1" --noudevsync --noudevrules --table "$2" || return 1
    st_undo "st_dm_remove $1"
    TOP=''
    for node in /sys/block/dm-*; do
        read -r name <"$node/dm/name"
        [ "$name" != "$1" ] || TOP=/dev/${node##*/}
    done
    [ -b "$TOP" ]
}
st_dm_remove() { st_tool dmsetup remove "$1" --noudevsync 2>/dev/null; }

st_slice() { # NAME DEVICE START SECTORS
    st_dm "$1" "0 $4 linear $2 $3"
}

st_partition() { # MODE DISK
    local name=${2##*/}
    case $name in *[0-9]) name=${name}p1 ;; *) name=${name}1 ;; esac
    if [ "$1" = create ]; then
        printf 'label: dos\nstart=2048, type=83\n' |
            st_tool sfdisk -q --no-reread --no-tell-kernel "$2" || return 1
        st_fsync "$2"
    fi
    st_undo "st_partition_remove $2 $name"
    # The kernel may have read the table by itself, and may have no parser for it.
    if [ ! -e "/sys/class/block/$name" ]; then
        st_tool partx -a "$2" || return 1
    fi
    TOP=/dev/$name
    st_wait [ -b "$TOP" ]
}
st_partition_remove() { # DISK NAME
    [ ! -e "/sys/class/block/$2" ] || st_tool partx -d "$1"
}

st_loop() { # MODE DEVICE MOUNTOPTIONS N
    local dir=$STACK_RUN/$ST_NAME/$4
    st_modules ext4 loop
    mkdir -p "$dir"
    if [ "$1" = create ]; then st_ext4_make "$2" || return 1; fi
    st_tool mount -t ext4 -o "$3" "$2" "$dir" || return 1
    st_undo "st_umount $dir"
    if [ "$1" = create ]; then
        truncate -s $(($(st_sectors "$2") / 2048 - 32))M "$dir/image" || return 1
        st_fsync "$dir/image" "$dir" || return 1
    fi
    st_loop_attach "$dir/image"
}
st_loop_attach() { # FILE
    TOP=$(st_tool losetup -f --show "$1") || return 1
    st_undo "st_loop_detach $TOP $(st_loop_file "$TOP")"
}
st_loop_file() { cat "/sys/block/${1##*/}/loop/backing_file" 2>/dev/null; } # DEVICE
# By its file: the device may be another one's by the time this is tried again.
st_loop_detach() { # DEVICE FILE
    [ "$(st_loop_file "$1")" = "$2" ] || return 0
    st_tool losetup -d "$1" && [ "$(st_loop_file "$1")" != "$2" ]
}
st_umount() { st_tool umount "$1" 2>/dev/null; }

st_md() { # MODE LEVEL DISK...
    local mode=$1 level=$2 n=0 was=N start_ro=/sys/module/md_mod/parameters/start_ro status=0 members policy
    shift 2
    st_modules md-mod raid0 raid1 raid456
    policy="--bitmap=none --consistency-policy=resync --assume-clean"
    [ "$level" != 0 ] || policy=''
    mkdir -p /run/mdadm
    while [ -e /sys/block/md$n ]; do n=$((n + 1)); done
    if [ "$mode" = create ]; then
        # shellcheck disable=SC2086 # a list of options
        st_tool mdadm --create /dev/md$n --quiet --run --level="$level" --metadata=1.0 $policy \
            --raid-devices=$# "$@" </dev/null || status=1
    else
        # Nothing is written before the first write from above, and no resync at all:
        # what is to be judged is what the disks hold.
        was=$(cat $start_ro)
        echo 1 >$start_ro
        members=$(printf '%s\n' "$@" | grep -vx missing)
        # shellcheck disable=SC2086 # a list of devices
        st_tool mdadm --assemble /dev/md$n --quiet --run $members </dev/null || status=1
        echo "$was" >$start_ro
    fi
    if [ -e /sys/block/md$n ]; then st_undo "st_md_stop /dev/md$n"; fi
    if [ $status != 0 ]; then return 1; fi
    if [ "$mode" = recover ] && [ "$level" != 0 ]; then
        echo frozen >/sys/block/md$n/md/sync_action || return 1
    fi
    TOP=/dev/md$n
    st_wait [ -b "$TOP" ]
}
st_md_stop() {
    if [ -e "/sys/block/${1##*/}/md" ]; then st_tool mdadm --stop --quiet "$1" || return 1; fi
    st_gone "/sys/block/${1##*/}/md"
}

st_bcache() { # MODE BACKING CACHE
    local device backing=/sys/class/block/${2##*/}/bcache cache=/sys/class/block/${3##*/}/bcache
    st_modules bcache
    [ -e /sys/fs/bcache/register ] || { st_say "no bcache in this kernel"; return 1; }
    if [ "$1" = create ]; then
        # The kernel wants more buckets than the default size makes of a small disk.
        st_tool make-bcache --bucket 128k --writeback -B "$2" -C "$3" >/dev/null || return 1
        st_fsync "$2" "$3"
    fi
    st_undo "st_bcache_stop $2 $3"
    for device in "$3" "$2"; do
        # The kernel may have been told already.
        [ -e "/sys/class/block/${device##*/}/bcache" ] || echo "$device" >/sys/fs/bcache/register || return 1
    done
    st_wait [ -e "$backing/dev" ] && st_wait [ -e "$backing/cache" ] && [ -e "$cache/set" ] || return 1
    echo 0 >"$backing/sequential_cutoff"
    # On recover the cache keeps what is not in the backing device yet.
    if [ "$1" = recover ]; then echo 0 >"$backing/writeback_running"; fi
    TOP=/dev/$(basename "$(readlink -f "$backing/dev")")
    st_wait [ -b "$TOP" ]
}
st_bcache_stop() { # BACKING CACHE
    local backing=/sys/class/block/${1##*/}/bcache cache=/sys/class/block/${2##*/}/bcache
    if [ -e "$backing/stop" ]; then echo 1 >"$backing/stop"; fi
    st_wait st_gone "$backing"
    if [ -e "$cache/set/stop" ]; then echo 1 >"$cache/set/stop"; fi
    st_gone "$backing" && st_gone "$cache"
}

st_null() {
    local dir=/sys/kernel/config/nullb/nullb0
    st_modules configfs
    st_tool modprobe -q null_blk nr_devices=0 2>/dev/null || true
    if [ ! -d /sys/kernel/config/nullb ]; then
        st_tool mount -t configfs configfs /sys/kernel/config || return 1
        st_undo "st_umount /sys/kernel/config"
    fi
    mkdir "$dir" || return 1
    st_undo "rmdir $dir"
    # In MiB; the kernel takes a size of cache only with memory behind it.
    if ! { echo 512 >$dir/size && echo 1 >$dir/memory_backed && echo 32 >$dir/cache_size &&
        echo 1 >$dir/power; }; then
        return 1
    fi
    TOP=/dev/nullb$(cat $dir/index)
    st_wait [ -b "$TOP" ]
}

st_zram() {
    local n
    st_tool modprobe -q zram num_devices=0 2>/dev/null || true
    n=$(cat /sys/class/zram-control/hot_add) || return 1
    st_undo "st_zram_remove $n"
    echo 512M >"/sys/block/zram$n/disksize" || return 1
    TOP=/dev/zram$n
    st_wait [ -b "$TOP" ]
}
st_zram_remove() { echo "$1" >/sys/class/zram-control/hot_remove; }

# Makes the kernel believe that a device keeps what it was told.
st_override() { # MODE DEVICE
    local queue=/sys/block/${2##*/}/queue/write_cache
    [ "$1" = create ] || return 0
    [ "$(cat "$queue")" = "write back" ] || return 0
    st_undo "st_override_end $queue"
    echo "$2" >>"$STACK_RUN/$ST_NAME/overridden"
    echo "write through" >"$queue" && [ "$(cat "$queue")" = "write through" ]
}
st_override_end() { [ ! -e "$1" ] || echo "write back" >"$1"; }

# --- stacks ---

st_ext4_make() { # DEVICE OPTION...
    local device=$1
    shift
    # The same features on every kernel; few inodes, as their tables get written.
    st_tool mkfs.ext4 -q -F -b 4096 -N 4096 -O ^orphan_file,^metadata_csum_seed \
        -E lazy_itable_init=0,lazy_journal_init=0,nodiscard "$@" "$device" >/dev/null
}

st_build() { # STACK MODE DISK...
    local stack=$1 mode=$2 size=0 half pool origin policy legs disk meta
    shift 2
    if [ -b "${1-}" ]; then
        TOP=$1
        size=$(st_sectors "$1")
    fi
    case $stack in
    plain | overlay) ;;
    partition) st_partition "$mode" "$1" ;;
    linear | linear-override)
        st_slice "$stack-lower" "$1" 2048 $((size - 2048)) &&
            st_slice "$stack-upper" "$TOP" 0 $((size - 2048)) || return 1
        [ "$stack" = linear ] || st_override "$mode" "$TOP"
        ;;
    stripe)
        half=$(st_sectors "$2")
        if [ "$half" -gt "$size" ]; then half=$size; fi
        st_dm stripe "0 $(((half - half % 128) * 2)) striped 2 128 $1 0 $2 0"
        ;;
    crypt)
        st_dm crypt "0 $size crypt aes-xts-plain64 $(printf '%064d' 42) 0 $1 0"
        ;;
    thin)
        size=$((size - 16384 - size % 128))
        st_slice thin-meta "$1" 0 16384 || return 1
        pool="$TOP"
        [ "$mode" = recover ] || st_zero "$pool" || return 1
        st_slice thin-data "$1" 16384 $size &&
            st_dm thin-pool "0 $size thin-pool $pool $TOP 128 0" || return 1
        [ "$mode" = recover ] || st_tool dmsetup message thin-pool 0 "create_thin 0" || return 1
        st_dm thin "0 $size thin $TOP 0"
        ;;
    snapshot | snapshot-cow)
        half=$((size * 5 / 8))
        half=$((half - half % 2048))
        st_slice "$stack-base" "$1" 0 $half || return 1
        origin=$TOP
        st_slice "$stack-store" "$1" $half $((size - half)) || return 1
        [ "$mode" = recover ] || st_zero "$TOP" || return 1
        st_dm "$stack-snap" "0 $half snapshot $origin $TOP P 8" || return 1
        [ "$stack" = snapshot-cow ] || st_dm "$stack-origin" "0 $half snapshot-origin $origin"
        ;;
    writecache)
        [ "$mode" = recover ] || st_zero "$2" || return 1
        st_dm writecache "0 $size writecache s $1 $2 4096 0"
        ;;
    cache)
        half=$(st_sectors "$2")
        st_slice cache-meta "$2" 0 16384 || return 1
        pool=$TOP
        [ "$mode" = recover ] || st_zero "$pool" || return 1
        # On recover dirty blocks stay where they are.
        policy="smq 0"
        [ "$mode" = create ] || policy="smq 2 migration_threshold 0"
        st_slice cache-fast "$2" 16384 $((half - 16384)) &&
            st_dm cache "0 $size cache $pool $TOP $1 128 1 writeback $policy"
        ;;
    raid0)
        # Without its accounting it sends bios on as they are, as it always did up to 5.13.
        st_md "$mode" 0 "$1" "$2" && echo 0 >"/sys/block/${TOP##*/}/queue/iostats"
        ;;
    raid1) st_md "$mode" 1 "$1" "$2" ;;
    raid5) st_md "$mode" 5 "$1" "$2" "$3" ;;
    raid1-wt) st_override "$mode" "$2" && st_md "$mode" 1 "$1" "$2" ;;
    raid1-flakey)
        if [ "$2" = missing ]; then
            st_md "$mode" 1 "$1"
            return
        fi
        size=$(st_sectors "$2")
        st_dm raid1-flakey "0 $size $(st_flakey up "$2")" && st_md "$mode" 1 "$1" "$TOP"
        ;;
    # As LVM makes a mirror: a small device for each leg's superblock and bitmap.
    dm-raid1)
        half=$(st_sectors "$2")
        if [ "$half" -lt "$size" ]; then size=$half; fi
        legs=''
        for disk in "$1" "$2"; do
            st_slice "$stack-${disk##*/}-meta" "$disk" 0 8192 || return 1
            [ "$mode" = recover ] || st_zero "$TOP" || return 1
            meta=$TOP
            st_slice "$stack-${disk##*/}-data" "$disk" 8192 $((size - 8192)) || return 1
            legs="$legs $meta $TOP"
        done
        st_modules dm-raid raid1
        st_dm "$stack" "0 $((size - 8192)) raid raid1 4 0 nosync region_size 1024 2$legs"
        ;;
    multipath) st_dm "$stack" "0 $size multipath 0 0 1 1 round-robin 0 1 1 $1 1000" ;;
    multipath-bio) st_dm "$stack" "0 $size multipath 2 queue_mode bio 0 1 1 round-robin 0 1 1 $1 1000" ;;
    flakey) st_dm flakey "0 $size $(st_flakey up "$1")" ;;
    bcache) st_bcache "$mode" "$1" "$2" ;;
    loop) st_loop "$mode" "$1" defaults outer ;;
    loop-nobarrier) st_loop "$mode" "$1" nobarrier outer ;;
    loop-loop) st_loop "$mode" "$1" defaults outer && st_loop "$mode" "$TOP" defaults inner ;;
    loop-tmpfs)
        st_modules loop
        mkdir -p "$STACK_RUN/$stack/outer"
        st_tool mount -t tmpfs -o size=512M tmpfs "$STACK_RUN/$stack/outer" || return 1
        st_undo "st_umount $STACK_RUN/$stack/outer"
        truncate -s 448M "$STACK_RUN/$stack/outer/image" && st_loop_attach "$STACK_RUN/$stack/outer/image"
        ;;
    null) st_null ;;
    zram) st_zram ;;
    override) st_override "$mode" "$1" ;;
    *) st_say "no stack '$stack'"; return 1 ;;
    esac
}

stack_up() { # STACK create|recover DISK...
    local device n=0
    TOP=''
    ST_NAME=$1
    if [ -e "$STACK_RUN/$1" ]; then
        st_say "$1 is up already, or was not taken down"
        return 1
    fi
    if [ "$2" != create ]; then
        case $1 in loop-tmpfs | null | zram)
            st_say "$1 lives in memory: nothing to recover"
            return 1
            ;;
        esac
    fi
    if [ $(($# - 2)) -lt "$(stack_disks "$1")" ]; then
        st_say "$1 takes $(stack_disks "$1") disks"
        return 1
    fi
    for device in "$@"; do
        n=$((n + 1))
        # The host may have changed the disk behind the back of this kernel.
        [ $n -le 2 ] || [ "$device" = missing ] || st_tool blockdev --flushbufs "$device" || return 1
    done
    mkdir -p "$STACK_RUN/$1"
    : >"$STACK_RUN/$1/undo"
    : >"$STACK_RUN/$1/overridden"
    if st_build "$@" && [ -b "$TOP" ]; then
        shift 2
        printf '%s\n' "$TOP" "$@" | grep -vx missing >"$STACK_RUN/$ST_NAME/devices"
        return 0
    fi
    st_say "$1 could not be put together ($2)"
    stack_down "$1" || true
    TOP=''
    return 1
}

stack_down() { # STACK
    local line status=0
    [ -e "$STACK_RUN/$1/undo" ] || { st_say "$1 is not up"; return 1; }
    while read -r line; do
        # shellcheck disable=SC2086 # a command and its words
        st_wait $line </dev/null 2>/dev/null || $line </dev/null || { st_say "$1: cannot $line"; status=1; }
    done <<END
$(sed '1!G;h;$!d' "$STACK_RUN/$1/undo")
END
    rm -rf "${STACK_RUN:?}/$1"
    return $status
}

stack_sync() { # STACK [DEVICE...]
    local device queue stack=$1
    shift
    [ -e "$STACK_RUN/$stack/devices" ] || { st_say "$stack is not up"; return 1; }
    for device in $(cat "$STACK_RUN/$stack/devices") "$@"; do
        queue=/sys/block/${device##*/}/queue/write_cache
        if grep -qx "$device" "$STACK_RUN/$stack/overridden"; then
            echo "write back" >"$queue"
            st_fsync "$device" || return 1
            echo "write through" >"$queue"
        else
            st_fsync "$device" || return 1
        fi
    done
}

st_flakey() { # STATE DEVICE
    case $1 in
    up) echo "flakey $2 0 1000000 0" ;;
    *) echo "flakey $2 0 0 1000000 1 $1" ;;
    esac
}

flakey_set() { # STACK up|error_writes|drop_writes
    local start sectors kind device rest
    # shellcheck disable=SC2034 # read splits, not all words are of use
    read -r start sectors kind device rest <<END
$(st_tool dmsetup table "$1")
END
    # Neither frozen nor written back: the change must not sync what is above.
    st_tool dmsetup reload "$1" --table "0 $sectors $(st_flakey "$2" "$device")" &&
        st_tool dmsetup suspend --noudevsync --noflush --nolockfs "$1" &&
        st_tool dmsetup resume --noudevsync --noudevrules "$1"
}

# --- file systems ---

fs_needs_second() { # VARIANT
    case $1 in
    ext4-external-journal | xfs-external-log | xfs-realtime | btrfs-raid1) ;;
    *) return 1 ;;
    esac
}

st_fs_type() { # VARIANT
    case $1 in
    overlay-*) echo ext4 ;;
    *) echo "${1%%-*}" ;;
    esac
}

st_xfs_make() { # DEVICE OPTION...
    local device=$1
    shift
    # --unsupported: smaller than what is sold, with a log to match.
    st_tool mkfs.xfs -q -f -K --unsupported -m bigtime=0,inobtcount=0 "$@" "$device" >/dev/null
}

fs_create() { # VARIANT TOP [SECOND]
    local variant=$1 top=$2 second=${3-} journal="-J size=8"
    if fs_needs_second "$variant" && [ -z "$second" ]; then
        st_say "$variant takes a second device"
        return 1
    fi
    # shellcheck disable=SC2086 # options are words
    case $variant in
    ext2 | ext4-nojournal) st_ext4_make "$top" -t "${variant%%-*}" -O ^has_journal ;;
    ext3) st_ext4_make "$top" -t ext3 $journal ;;
    ext4-fast-commit) st_ext4_make "$top" $journal -O fast_commit ;;
    ext4-inline) st_ext4_make "$top" $journal -O inline_data ;;
    ext4-external-journal)
        st_tool mkfs.ext4 -q -F -b 4096 -O journal_dev "$second" >/dev/null &&
            st_ext4_make "$top" -J device="$second"
        ;;
    ext4* | overlay-*) st_ext4_make "$top" $journal ;;
    xfs) st_xfs_make "$top" -l size=16m ;;
    xfs-external-log) st_xfs_make "$top" -l "logdev=$second,size=16m" ;;
    xfs-realtime) st_xfs_make "$top" -l size=16m -m reflink=0 -d rtinherit=1 -r "rtdev=$second" ;;
    btrfs-raid1) st_tool mkfs.btrfs -q -f -K -d raid1 -m raid1 "$top" "$second" >/dev/null ;;
    btrfs*) st_tool mkfs.btrfs -q -f -K "$top" >/dev/null ;;
    f2fs-compress) st_tool mkfs.f2fs -q -f -t 0 -O extra_attr,compression "$top" >/dev/null ;;
    f2fs*) st_tool mkfs.f2fs -q -f -t 0 "$top" >/dev/null ;;
    vfat) st_tool mkfs.vfat -F 32 "$top" >/dev/null ;;
    exfat) st_tool mkfs.exfat "$top" >/dev/null ;;
    tmpfs) return 0 ;;
    *) st_say "no file system '$variant'"; return 1 ;;
    esac || return 1
    # shellcheck disable=SC2086 # may be none
    st_fsync "$top" $second
}

st_fs_options() { # VARIANT MODE [SECOND]
    case $1 in
    *-nobarrier)
        case $1 in f2fs*) echo fsync_mode=nobarrier ;; *) echo nobarrier ;; esac
        ;;
    ext4-data-journal) echo data=journal ;;
    ext4-data-writeback) echo data=writeback ;;
    # Not allowed with data=ordered.
    ext4-async-commit) echo data=writeback,journal_checksum,journal_async_commit ;;
    # The number of the journal's device may be another one by now.
    ext4-external-journal) echo "journal_path=$3" ;;
    xfs-external-log) echo "logdev=$3" ;;
    xfs-realtime) echo "rtdev=$3" ;;
    btrfs-nodatacow) echo nodatacow ;;
    btrfs-compress) echo compress-force=zstd ;;
    btrfs-raid1) echo "device=$3" ;;
    f2fs-lfs) echo mode=lfs ;;
    f2fs-compress) echo 'compress_algorithm=lz4,compress_extension=*' ;;
    f2fs-strict) echo fsync_mode=strict ;;
    f2fs-no-checkpoint) [ "$2" = recover ] && echo defaults || echo checkpoint=disable ;;
    *) echo defaults ;;
    esac
}

fs_mount() { # VARIANT create|recover DIR TOP [SECOND]
    local variant=$1 mode=$2 dir=$3 top=$4 second=${5-} base type
    type=$(st_fs_type "$variant")
    mkdir -p "$dir"
    st_modules "$type"
    case $variant in
    overlay-*) ;;
    tmpfs)
        st_tool mount -t tmpfs tmpfs "$dir"
        return
        ;;
    *)
        st_tool mount -t "$type" -o "$(st_fs_options "$variant" "$mode" "$second")" "$top" "$dir"
        return
        ;;
    esac
    base=$dir.base
    mkdir -p "$base"
    st_modules overlay
    st_tool mount -t ext4 "$top" "$base" || return 1
    if [ "$mode" = create ]; then
        # Durable by itself: a volatile overlay never syncs what it stands on.
        mkdir "$base/lower" "$base/upper" "$base/work" &&
            st_fsync "$base/lower" "$base/upper" "$base/work" "$base" || return 1
    else
        # What a volatile overlay leaves, so that nobody trusts its upper layer.
        (cd "$base/work" && rm -rf work/incompat/volatile)
    fi
    if st_tool mount -t overlay -o "$(st_overlay_options "$variant" "$base")" overlay "$dir"; then
        return 0
    fi
    st_umount "$base"
    return 1
}
st_overlay_options() { # VARIANT BASE
    echo "lowerdir=$2/lower,upperdir=$2/upper,workdir=$2/work$(
        [ "$1" = overlay-ext4 ] || echo ,volatile)"
}

fs_umount() { # VARIANT DIR
    st_tool umount "$2" || return 1
    case $1 in
    overlay-*) st_tool umount "$2.base" ;;
    # A device once seen is remembered, and would be mixed up with its next copy.
    btrfs-raid1) st_tool btrfs device scan --forget ;;
    esac
}

# --- what this kernel has ---

st_has_dm() { # TARGET
    st_modules dm-mod "dm-$1"
    { st_tool dmsetup targets | grep -q "^$1 "; } 2>/dev/null
}
st_has_md() { # PERSONALITY MODULE
    st_modules md-mod "$2"
    grep -q "\[$1\]" /proc/mdstat 2>/dev/null
}
st_has_fs() { # TYPE
    st_modules "$1"
    grep -qw "$1" /proc/filesystems
}

st_has() { # STACK|VARIANT
    case $1 in
    linear*) st_has_dm linear ;;
    stripe) st_has_dm striped ;;
    snapshot*) st_has_dm snapshot ;;
    thin) st_has_dm thin-pool ;;
    dm-raid1) st_has_dm raid ;;
    multipath*)
        # 5.10 warns of its own merging of reads there (blk_rq_set_mixed_merge).
        case $(uname -r) in 5.10.*) return 1 ;; esac
        st_modules dm-round-robin
        st_has_dm multipath
        ;;
    crypt | cache | writecache | flakey) st_has_dm "$1" ;;
    raid1-flakey) st_has_dm flakey && st_has_md raid1 raid1 ;;
    raid0) st_has_md raid0 raid0 ;;
    raid1*) st_has_md raid1 raid1 ;;
    raid5) st_has_md raid5 raid456 ;;
    bcache) st_modules bcache; [ -e /sys/fs/bcache/register ] ;;
    loop*) st_modules loop; [ -e /dev/loop-control ] ;;
    null) st_tool modprobe -q null_blk nr_devices=0 2>/dev/null || [ -e /sys/module/null_blk ] ;;
    zram) st_tool modprobe -q zram num_devices=0 2>/dev/null || [ -e /sys/class/zram-control ] ;;
    plain | partition | override | overlay) ;;
    overlay-*) st_has_fs overlay && st_has_fs ext4 ;;
    xfs-realtime) st_has_fs xfs && grep -qw xfs_rtmount_init /proc/kallsyms ;;
    *) st_has_fs "$(st_fs_type "$1")" ;;
    esac
}

stack_missing() { # STACK|VARIANT
    if st_has "$1"; then return 1; fi
    echo "$1: not in this kernel, or not fit for use"
}
