#!/usr/bin/env bash
# The path of a call is the one the file had at that moment, whatever its bytes.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 15
fresh ext4
d=$MNT

# One point: an independent JSON parser reads the report, and the one call of
# the command has this path, byte for byte. What could harm a terminal, bytes
# that are not UTF-8 and the backslash itself are escaped as C does it; anything
# else must stand as it is.
path_is() { # TITLE PATH
    local problem
    problem=$(python3 - "$JSON" "$2" 2>&1 <<'END'
import json, os, re, sys
report = json.load(open(sys.argv[1], encoding="utf-8", errors="strict"))
want = os.fsencode(sys.argv[2])
paths = [s["path"] for s in report["syncs"] if s["kind"] != "kernel"]
if len(paths) != 1:
    sys.exit("paths are %s" % ascii(paths))
shown = paths[0].encode("utf-8")
letters = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"\\": b"\\"}
def byte(match):
    text = match.group(1)
    return letters[text] if text in letters else bytes([int(text[1:], 16)])
got = re.sub(rb"\\(x[0-9a-f]{2}|n|t|r|\\)", byte, shown)
if got != want:
    print("the path is %s, not %s" % (ascii(shown), ascii(want)))
if any(ord(c) < 32 or ord(c) == 127 for c in paths[0]):
    print("control bytes in %s" % ascii(shown))
if not re.search(rb"[\\\x00-\x1f\x7f]", want) and want.isascii() and shown != want:
    print("%s is escaped without need" % ascii(shown))
END
) || true
    point "$1" "$problem"
}

audit plain "$act" open wc "$d/plain" write 100 fsync
path_is "a plain name" "$d/plain"

audit renamed "$act" open wc "$d/before" write 100 rename "$d/before" "$d/after" fsync
path_is "renamed before the call" "$d/after"
audit renamed-later "$act" open wc "$d/first" write 100 fsync rename "$d/first" "$d/second"
path_is "renamed after the call" "$d/first"

audit deleted "$act" open wc "$d/gone" write 100 unlink "$d/gone" fsync
problem=''
holds '[.syncs[] | select(.kind != "kernel") | .path] | length == 1 and (.[0] | startswith($path))' \
    --arg path "$d/gone" || problem=$(show '[.syncs[].path]')
point "deleted before the call: the name it had" "$problem"
audit deleted-later "$act" open wc "$d/short" write 100 fsync unlink "$d/short"
path_is "deleted after the call" "$d/short"

deep=$d
for ((i = 1; i <= 40; i++)); do deep+=/level-$i; done
mkdir -p "$deep"
audit deep "$act" open wc "$deep/file" write 100 fsync
path_is "40 directories deep" "$deep/file"

long=$(printf 'n%.0s' {1..255})
audit long "$act" open wc "$d/$long" write 100 fsync
path_is "a name of 255 bytes" "$d/$long"

name=$'new\nline \033[31mred\ttab "quoted" back\\slash'
audit control "$act" open wc "$d/$name" write 100 fsync
path_is "newline, ESC, tab, quotes and backslash" "$d/$name"

audit unicode "$act" open wc "$d/Grüße-日本-🙂" write 100 fsync
path_is "UTF-8" "$d/Grüße-日本-🙂"

audit bytes "$act" open wc "$d/"$'a\xff\xc3z' write 100 fsync
path_is "bytes that are not UTF-8" "$d/"$'a\xff\xc3z'

# The text report must not pass control bytes to the terminal.
"$FLUSHAUDIT" run --all -- "$act" open wc "$d/$name" write 100 range >/dev/null 2>"$work/text" || true
problem=''
if LC_ALL=C grep -q $'\033\\[31m' "$work/text"; then problem="ESC passed"; fi
grep -q 'new' "$work/text" || problem+=" the name is missing"
point "the text report shows control bytes printably" "$problem"

mkdir "$d/source" "$d/bind"
mount --bind "$d/source" "$d/bind"
on_exit "umount '$d/bind'"
audit bind "$act" open wc "$d/bind/file" write 100 fsync
path_is "a bind mount: the name the caller used" "$d/bind/file"

mkdir "$work/inside"
audit namespace unshare -m sh -euc 'mount --bind "$1" "$2"; "$0" open wc "$2/file" write 100 fsync' \
    "$act" "$d/source" "$work/inside"
path_is "another mount namespace: the name it has there" "$work/inside/file"

# The file system's verdict does not depend on how it was reached.
problem=''
holds '[.syncs[] | select(.kind == "fsync") | .verdict] == ["durable"]' || problem=$(summary)
point "another mount namespace: durable" "$problem"

# A copy of the mount namespace would keep a file system alive that is being unmounted.
problem=''
strace -f -qq -e trace=unshare,setns,mount,clone3,clone -o "$work/mounts.strace" \
    "$FLUSHAUDIT" run --json -o "$work/mounts.json" -- true || problem="exit $?"
! grep -E '(unshare|setns|mount)\(|CLONE_NEWNS' "$work/mounts.strace" >"$work/copied" || problem+=" $(cat "$work/copied")"
point "no mount is made, none copied" "$problem"
