#!/usr/bin/env bash
# The path of a call is the one the file had at that moment, whatever its bytes.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 14
fresh ext4
d=$MNT

# One point: an independent JSON parser reads the report, and the one call of
# the command has this path.
path_is() { # TITLE PATH
    local problem
    problem=$(python3 - "$JSON" "$2" 2>&1 <<'END'
import json, os, sys
report = json.load(open(sys.argv[1], encoding="utf-8", errors="strict"))
want = sys.argv[2]
paths = [s["path"] for s in report["syncs"] if s["kind"] != "kernel"]
if paths != [want]:
    print("paths are %s, not %s" % (ascii(paths), ascii(want)))
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
    --arg path "$d/gone" || problem=$(jq -c '[.syncs[].path]' "$JSON" 2>&1)
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

# JSON cannot hold bytes that are not UTF-8: the report must parse, and the rest
# of the name must be there.
audit bytes "$act" open wc "$d/"$'a\xff\xc3z' write 100 fsync
problem=$(python3 - "$JSON" "$d" 2>&1 <<'END'
import json, sys
report = json.load(open(sys.argv[1], encoding="utf-8", errors="strict"))
path = [s["path"] for s in report["syncs"] if s["kind"] != "kernel"][0]
if not (path.startswith(sys.argv[2] + "/a") and path.endswith("z") and len(path) > len(sys.argv[2]) + 3):
    print("path is", ascii(path))
END
) || true
point "bytes that are not UTF-8" "$problem"

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
