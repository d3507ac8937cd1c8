#!/usr/bin/env bash
# Names that are made, moved and removed: each is listed with its directories, which calls made
# those durable, and what was not. Against what was done, and against strace.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 48

AUDIT_OPTIONS=(--names)

# What a test does, in Python: sync of a directory by its name, and what it needs of os.
cat >"$work/prelude.py" <<'END'
import ctypes, os, socket, sys
os.chdir(sys.argv[1])
def sync(name):
    at = os.open(name, os.O_RDONLY)
    os.fsync(at)
    os.close(at)
def make(name):
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
def rename2(old, new, flags):
    if ctypes.CDLL(None, use_errno=True).renameat2(-100, old.encode(), -100, new.encode(), flags):
        raise OSError(ctypes.get_errno(), new)
END
play() { # NAME
    cat "$work/prelude.py" - >"$work/$1.py"
    mkdir -p "$MNT/$1"
    audit "$1" python3 "$work/$1.py" "$MNT/$1"
}

# One point: the changes of the report, in order, one a line: KIND OLD NEW OLD-POSIX NEW-POSIX, paths
# from the test's own directory on, "-" for what is not there.
changed() { # TITLE NAME <LINES
    local got problem=''
    got=$(jq -r --arg top "$MNT/$2/" '.changes[] |
        [.kind, .old_path, .new_path, .old_posix, .new_posix] | map(. // "-" | ltrimstr($top)) | join(" ")' "$JSON")
    if ! diff <(sort) <(sort <<<"$got") >"$work/diff"; then
        problem=$(cat "$work/diff")
    elif ! holds '.command.exit_status == 0 and .totals.lost_events == 0'; then
        problem=$(summary)
    fi
    point "$1" "$problem"
}

for fs in ext4 xfs btrfs; do
    fresh $fs

    play kinds <<'END'
make("a")
os.mkdir("d")
os.mknod("pipe", 0o010600)
socket.socket(socket.AF_UNIX).bind("socket")
socket.socket(socket.AF_UNIX).bind("\0abstract")
os.symlink("nowhere", "s")
os.link("a", "d/l")
os.rename("a", "b")
os.rename("b", "d/b")
os.unlink("s")
os.mkdir("e")
os.rmdir("e")
rename2("pipe", "d/b", 2)
make("z")
rename2("z", "y", 1)
END
    changed "$fs: every kind of change, none synced" kinds <<'END'
create - a - not-durable
mkdir - d - not-durable
mknod - pipe - not-durable
mknod - socket - not-durable
symlink - s - not-durable
link - d/l - not-durable
rename a b not-durable not-durable
rename b d/b not-durable not-durable
unlink s - not-durable -
mkdir - e - not-durable
rmdir e - not-durable -
exchange pipe d/b not-durable not-durable
create - z - not-durable
rename z y not-durable not-durable
END

    play synced <<'END'
os.mkdir("from")
os.mkdir("to")
make("from/early")
sync("from")
os.rename("from/early", "to/early")
sync("to")
make("from/late")
os.rename("from/late", "to/late")
sync("from")
make("mine")
sync(".")
make("after")
END
    changed "$fs: what was changed before a directory was synced, and no later change" synced <<'END'
mkdir - from - durable
mkdir - to - durable
create - from/early - durable
rename from/early to/early durable durable
create - from/late - durable
rename from/late to/late durable not-durable
create - mine - durable
create - after - not-durable
END

    play staged <<'END'
os.mkdir("stage")
make("stage/one")
os.mkdir("stage/sub")
make("stage/sub/two")
os.rename("stage", "final")
os.unlink("final/one")
at = os.open("final", os.O_RDONLY)
os.mkdir("below", dir_fd=at)
os.rename("below", "../out", src_dir_fd=at, dst_dir_fd=at)
os.fsync(at)
os.mkdir("stage")
make("stage/another")
END
    changed "$fs: a directory is the same one after it was renamed" staged <<'END'
mkdir - stage - not-durable
create - stage/one - durable
mkdir - stage/sub - durable
create - stage/sub/two - not-durable
rename stage final not-durable not-durable
unlink final/one - durable -
mkdir - final/below - durable
rename final/below out durable not-durable
mkdir - stage - not-durable
create - stage/another - not-durable
END

    play whole <<'END'
make("a")
os.mkdir("d")
make("d/b")
at = os.open(".", os.O_RDONLY)
ctypes.CDLL(None).syncfs(at)
make("late")
END
    changed "$fs: all of a file system is synced" whole <<'END'
create - a - durable
mkdir - d - durable
create - d/b - durable
create - late - not-durable
END

    # What the file system makes of it, with no directory synced: by the file's own fsync, by that of
    # another file, and by none. Only ext4 tells what no commit has come for, whatever the time.
    [ $fs != ext4 ] || mount -o remount,commit=300 "$MNT"
    play committed <<'END'
def sync_new(name):
    make(name)
    sync(name)
sync_new("mine")
os.mkdir("d")
os.rename("mine", "d/mine")
sync_new("other")
os.rename("d/mine", "late")
END
    others=durable none=unproven
    case $fs in ext4) none=not-durable ;; btrfs) others=unproven ;; esac
    point "$fs: names that it makes durable itself, whatever POSIX says" "$(
        jq -r --arg top "$MNT/committed/" '.changes[] | [.kind, .new_path, .new_posix, .filesystem] |
            map(ltrimstr($top)) | join(" ")' "$JSON" >"$work/got"
        [ $fs = ext4 ] || sed -i 's/^\(rename late .*\) not-durable$/\1 unproven/' "$work/got"
        diff "$work/got" - <<END
create mine not-durable durable
mkdir d not-durable $others
rename d/mine not-durable $others
create other not-durable durable
rename late not-durable $none
END
    )"
    if [ $fs = ext4 ]; then
        holds '[.findings[] | select(.kind == "dir-not-synced")] |
            length == 1 and (.[0] | .severity == "risk" and .path == $top and .posix == "not-durable" and
                .filesystem == "not-durable" and (.detail | test("^rename late by python3 and 2 more: .* 1 of them$")))' --arg top "$MNT/committed" &&
            [ "$STATUS" = 1 ] && problem='' || problem="exit $STATUS: $(show .findings)"
        point "$fs: a directory in which a name is at risk fails the audit" "$problem"
        audit renamed python3 -c "import os; os.chdir('$MNT'); os.rename('committed/late', 'synced/late')
at = os.open('committed/other', os.O_WRONLY)
os.write(at, b'x')
os.fsync(at)"
        txn=$(jq '.changes[0].transaction' "$JSON")
        point "$fs: the journal on the disk has both directories of a rename in the transaction that is told" "$(
            for dir in committed synced; do
                block=$(debugfs -R "blocks <$(stat -c %i "$MNT/$dir")>" "$LOOP" 2>"$work/log")
                debugfs -D -R "logdump -b $block" "$LOOP" >"$work/got" 2>&1
                grep -q "FS block ${block% } logged at sequence $txn," "$work/got" || cat "$work/got"
            done
            holds '.changes[0] | .filesystem == "durable" and .flush_id > 0' || summary
        )"
    fi

    play complete <<'END'
make("old")
with open("new", "w") as file:
    file.write("x")
    file.flush()
    os.fsync(file.fileno())
os.rename("new", "old")
make("temporary")
os.unlink("temporary")
sync(".")
make("temporary")
os.unlink("temporary")
END
    holds '.findings == []' && [ "$STATUS" = 0 ] && problem='' || problem="exit $STATUS: $(show .findings)"
    point "$fs: a file that is replaced with every sync there should be is no finding" "$problem"

    # What a rename moved before it was synced, and what not: each step, and which is missing.
    cat >"$work/files.py" <<'END'
def write(name, synced=False):
    with open(name, "w") as file:
        file.write("x" * 5000)
        file.flush()
        if synced:
            os.fsync(file.fileno())
def replace(name, synced, directory):
    write(name)
    sync(name)
    write(name + ".new", synced)
    os.rename(name + ".new", name)
    if not synced:
        sync(name)
    if directory:
        sync(".")
END
    play steps < <(cat "$work/files.py" - <<'END'
replace("whole", True, True)
replace("early", False, True)
replace("half", True, False)
sync(".")
END
    )
    early=risk exempt='.*: durable .* later by fsync #[0-9]+$'
    [ $fs != ext4 ] || early=advice exempt='; auto_da_alloc of this mount'
    problem=''
    holds '[.findings[] | [.kind, .severity, (.path | ltrimstr($top + "/")), (.detail | test("over another file.*" + $exempt))]] ==
        [["rename-before-sync", $severity, "early", true]]' --arg top "$MNT/steps" --arg severity $early --arg exempt "$exempt" &&
        holds '[.changes[] | select(.kind == "rename") | [(.new_path | split("/")[-1]), .data, .data_sync_id > 0]] ==
            [["whole", "durable", true], ["early", "not-durable", true], ["half", "durable", true]]' ||
        problem="$(show .findings) $(show '[.changes[] | select(.kind == "rename")]')"
    point "$fs: a file that took another's name before its data was synced, and those that did not" "$problem"

    play trees < <(cat "$work/files.py" - <<'END'
def tree(top, how):
    os.mkdir(top)
    os.mkdir(top + "/sub")
    write(top + "/one", how)
    write(top + "/sub/two", how)
    if how:
        sync(top + "/sub")
        sync(top)
    os.rename(top, top + ".final")
tree("lost", False)
tree("kept", True)
sync(".")
END
    )
    # Which directory a name given as lost/sub is in may not be known any more (tracepoint level).
    problem=''
    holds '[.findings[] | select(.kind == "staging-not-synced") | [.severity, .path,
        (.detail | sub("^.*: "; "") | sub("one, sub, "; "one, "))]] ==
        [["risk", $top + "/lost.final", "one, sub/two, one, sub/two"]]' --arg top "$MNT/trees" ||
        problem=$(show '[.findings[] | select(.kind == "staging-not-synced")]')
    point "$fs: a tree that was renamed before it was synced, with all that was below" "$problem"

    touch "$MNT/before-1" "$MNT/before-2"
    ln -s nowhere "$MNT/current"
    sync -f "$MNT"
    play swings <<'END'
os.chdir("..")
os.symlink("to", "next")
os.rename("next", "current")
make("mine")
os.unlink("before-1")
os.unlink("before-2")
END
    problem=''
    holds '[.findings[] | [.kind, .path]] | sort == ([["dir-not-synced", $top], ["symlink-unsyncable", $top + "/current"],
        ["unlink-not-durable", $top]] | sort)' --arg top "$MNT" &&
        holds '.findings[] | select(.kind == "unlink-not-durable") | .detail | startswith("unlink before-1 by python3 and 1 more: ")' ||
        problem=$(show .findings)
    point "$fs: a symbolic link that took a name, and names that may come back" "$problem"

    play failed <<'END'
for call in (lambda: os.mkdir("."), lambda: os.rename("none", "b"), lambda: os.unlink("none"),
             lambda: os.open("none", os.O_RDONLY)):
    try:
        call()
    except OSError:
        pass
make("a")
os.close(os.open("a", os.O_WRONLY | os.O_CREAT, 0o600))
try:
    rename2("a", "a", 1)
except OSError:
    pass
at = os.open(".", os.O_WRONLY | os.O_TMPFILE, 0o600)
if ctypes.CDLL(None).linkat(-100, b"/proc/self/fd/%d" % at, -100, b"linked", 0x400):
    raise OSError("linkat")
END
    changed "$fs: only what changed a name: no failed call, no open of a file that was there" failed <<'END'
create - a - not-durable
link - linked - not-durable
END
done

fresh ext4

# Files made without a name that are linked. Only of the first does a sync of the data commit the name.
IMAGE=$(losetup -nO BACK-FILE "$LOOP")
IMAGE=$IMAGE play nameless <<'END'
import shutil
def linked(name, before, after, empty):
    at = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
    os.write(at, b"x" * 5000)
    before(at)
    old = (at, b"") if empty else (-100, b"/proc/self/fd/%d" % at)
    if ctypes.CDLL(None, use_errno=True).linkat(*old, -100, name, 0x1000 if empty else 0x400):
        raise OSError(ctypes.get_errno(), name)
    after(at)
    return at
linked(b"once", lambda at: None, os.fdatasync, False)
linked(b"part", os.fsync, os.fdatasync, False)
shutil.copyfile(os.environ["IMAGE"], os.environ["IMAGE"] + ".copy")
linked(b"empty", os.fsync, os.fdatasync, True)
whole = linked(b"whole", os.fsync, os.fsync, False)
os.pwrite(whole, b"y" * 10, 0)
os.fdatasync(whole)
END
problem=''
holds '[.syncs[] | select(.kind != "kernel")] |
    map("\(.kind) \(.verdict)" + if .verdict == "unproven" then .detail | scan(" ext4-[a-z-]+") else "" end) ==
    ["fdatasync durable", "fsync durable", "fdatasync unproven ext4-tmpfile-linked", "fsync durable",
    "fdatasync unproven ext4-tmpfile-linked", "fsync durable", "fsync durable", "fdatasync durable"]' ||
    problem=$(show '[.syncs[] | [.kind, .verdict, .detail]]')
point "a file that got its name after the transaction it was made in: fdatasync is not called durable" "$problem"
mkdir "$work/copy"
on_exit "umount '$work/copy' 2>/dev/null; rm -f '$IMAGE.copy'"
mount -o loop "$IMAGE.copy" "$work/copy"
point "and is not in what the drive had when it returned" \
    "$([ "$(ls "$work/copy/nameless")" = once ] || ls "$work/copy/nameless")"
umount "$work/copy"
rm "$IMAGE.copy"

# The transaction of an earlier change whose return was not seen does not hold one on tmpfs.
mkdir -p "$MNT/unseen/from" "$MNT/unseen/to"
mount -t tmpfs none "$MNT/unseen/to"
audit unseen "$workload" mkdir-after-unseen "$MNT/unseen" 2
umount "$MNT/unseen/to"
problem=''
holds '.command.exit_status == 0 and (.changes | length == 2 and
    all(.[]; .kind == "mkdir" and .new_posix == "not-durable" and .filesystem == "unproven" and .transaction == null))' ||
    problem=$(show .changes)
point "a change is not durable by the transaction of an earlier one" "$problem"

play hostile <<'END'
make("new\nline")
make(b"\xff\x1b[31m")
os.mkdir("x" * 255)
make("x" * 255 + "/" + "y" * 255)
os.rename("./" + "x" * 255 + "/../new\nline", ".//" + "x" * 255 + "/./z")
END
X=$(printf 'x%.0s' {1..255}) Y=$(printf 'y%.0s' {1..255})
changed "names with control characters, long ones, and paths that lead around" hostile <<END
create - new\\nline - not-durable
create - \\xff\\x1b[31m - not-durable
mkdir - $X - not-durable
create - $X/$Y - not-durable
rename new\\nline $X/z not-durable not-durable
END

# A directory that is gone when its name is looked up: nothing is made up.
play vanished <<'END'
os.mkdir("here")
os.mkdir("here/deep")
os.mkdir("here/deep/er")
os.rmdir("here/deep/er")
os.rmdir("here/deep")
os.rmdir("here")
END
problem=''
holds '[.changes[].kind] == ["mkdir", "mkdir", "mkdir", "rmdir", "rmdir", "rmdir"] and
    all(.changes[]; (.old_posix // .new_posix) == "not-durable" or
        ((.old_posix // .new_posix) == "unproven" and (.old_dir // .new_dir) == null))' ||
    problem=$(show '.changes')
point "directories that are gone are known by what was done in them, or not at all" "$problem"

# --- filters, and where the list is not asked for ---

AUDIT_OPTIONS=(--names --path "$MNT/filtered/d")
play filtered <<'END'
os.mkdir("d")
make("d/in")
make("out")
sync("d")
END
changed "--path: only names below it" filtered <<'END'
mkdir - d - not-durable
create - d/in - durable
END

AUDIT_OPTIONS=()
play unasked <<'END'
make("a")
sync(".")
END
problem=''
holds 'has("changes") | not' || problem=$(show .changes)
point "without --names there is no list" "$problem"

AUDIT_OPTIONS=(--names)
"$FLUSHAUDIT" run --names -o "$work/text" -- python3 "$work/synced.py" "$(mktemp -d "$MNT/text.XXXX")" || true
problem=''
grep -qE '^  NOT DURABLE  durable +rename .* -> .*/to/late: the old name.s directory synced by fsync #[0-9]+, the new one.s not synced; both committed together in transaction [0-9]+, flushed by flush #[0-9]+: safe on this file system, not by POSIX$' \
    "$work/text" || problem=$(sed -n '/^NAMES/,/^$/p' "$work/text")
point "the text report names the directory that was not synced, and what the file system made of it" "$problem"

# --- programs, against strace ---

# Changes in the words of straced.py: which files open() made, strace does not know.
by_strace() { # TITLE NAME
    local problem=''
    python3 "$live/straced.py" --names "$ram/$2.strace" | sort >"$work/want"
    jq -r 'def last: . // "" | split("/") | .[-1] // "";
        .changes[] | select(.kind != "create") | [.kind, .tid, (.old_path | last), (.new_path | last)] | @tsv' \
        "$JSON" | sort >"$work/got"
    if [ ! -s "$work/want" ]; then
        problem="strace saw none"
    elif ! cmp -s "$work/want" "$work/got"; then
        problem=$(diff "$work/want" "$work/got" | head -n 6)
    elif ! holds '[.changes[] | (.old_posix, .new_posix) | select(. == "unproven")] == []'; then
        problem=$(show '[.changes[] | select(.old_posix == "unproven" or .new_posix == "unproven")][:3]')
    fi
    point "$1: names as strace has them ($(cut -f1 <"$work/want" | sort | uniq -c | awk '{ print $2 "=" $1 }' | paste -sd, -))" "$problem"
}

# What calls made durable is another test's: here it is the names.
named() { # NAME COMMAND...
    local log=$ram/$1.strace name=$1
    shift
    audit "$name" strace -f -qq -y -s 4096 --seccomp-bpf -o "$log" -e "trace=$traced" "$@"
    holds '.command.exit_status == 0' || say "$name: $(tail -n 3 "$work/$name.err" "$work/$name.out")"
}

export HOME=$work GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q "$MNT/repository"
for i in {1..20}; do echo "$i" >"$MNT/repository/$i"; done
named git-add git -C "$MNT/repository" -c core.fsync=all add .
by_strace "git add" git-add
named git-commit git -C "$MNT/repository" -c core.fsync=all commit -q -m one
by_strace "git commit" git-commit
problem=''
holds 'any(.changes[]; .kind == "rename" and (.new_path | endswith("/refs/heads/master")) and .new_posix == "not-durable")' ||
    problem=$(show '[.changes[] | select(.kind == "rename")]')
point "git commit: the ref's directory is not synced" "$problem"

named sqlite sqlite3 "$MNT/t.db" 'PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA; CREATE TABLE t(a); INSERT INTO t VALUES(1);'
by_strace "SQLite, journal_mode=DELETE synchronous=EXTRA" sqlite
problem=''
holds '[.changes[] | select(.kind == "unlink" and (.old_path | endswith("/t.db-journal")))] | length == 2 and all(.[]; .old_posix == "durable")' ||
    problem=$(show '.changes')
point "SQLite, synchronous=EXTRA: the directory is synced after each journal is deleted" "$problem"

mkdir "$MNT/source" "$MNT/target"
for i in {1..20}; do echo "$i" >"$MNT/source/$i"; done
named rsync rsync -a --fsync "$MNT/source/" "$MNT/target/"
by_strace "rsync --fsync" rsync
tar -C "$MNT" -cf "$MNT/archive.tar" source
mkdir "$MNT/unpacked"
named tar tar -C "$MNT/unpacked" -xf "$MNT/archive.tar"
by_strace "tar" tar
problem=''
holds '[.changes[] | select(.kind == "create" and (.new_path | test("/unpacked/source/[0-9]+$")))] | length == 20' ||
    problem=$(show '[.changes[].new_path]')
point "tar: each file that it made" "$problem"
