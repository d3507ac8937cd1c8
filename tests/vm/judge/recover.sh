# shellcheck shell=sh
# Brings up what a power cut left and asks whether a promise was kept. Runs on the
# development machine and in the recovery guest alike; needs stacks.sh.
#
# A request is a file: its first line "STACK VARIANT DISK[,DISK...] SECOND", the
# others the promises of one call (see player.c); VARIANT none: the bare device,
# SECOND -: there is none.

# Prints "survived" or "lost: WHY" once all is taken down again, so that the disks
# may change then; fails if it cannot be told.
recover() { # REQUEST DIR
    read -r recover_stack recover_variant recover_disks recover_second <"$1"
    [ "$recover_second" != - ] || recover_second=
    if [ -e "$STACK_RUN/$recover_stack" ]; then
        echo "$recover_stack was not taken down" >"$1.log"
        return 1
    fi
    # shellcheck disable=SC2046 # a list of devices
    if ! stack_up "$recover_stack" recover $(echo "$recover_disks" | tr , ' ') >"$1.log" 2>&1; then
        echo "lost: the stack does not come up: $(tail -n 1 "$1.log")"
        return 0
    fi
    recover_top=$TOP recover_ok=0
    if [ "$recover_variant" = none ]; then
        recover_answer=$(sed 1d "$1" | player verify --device "$recover_top") || recover_ok=1
    elif ! fs_mount "$recover_variant" recover "$2" "$recover_top" "$recover_second" >"$1.log" 2>&1; then
        recover_answer="lost: does not mount: $(tr '\n' ' ' <"$1.log"); $(dmesg | tail -n 3 | tr '\n' ' ')"
    else
        recover_answer=$(sed 1d "$1" | player verify --dir "$2" --device "$recover_top") || recover_ok=1
        fs_umount "$recover_variant" "$2" >"$1.log" 2>&1 || recover_ok=1
    fi
    stack_down "$recover_stack" >"$1.log" 2>&1 || recover_ok=1
    [ $recover_ok = 0 ] && echo "$recover_answer"
}
