#!/usr/bin/env bash
# Programs that write a file and rename it into place, or remove one that matters: which step of a
# safe replacement each of them takes, and which is missing. On xfs, which grants no exemption.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 20

AUDIT_OPTIONS=(--names)
fresh xfs

# One point: the renames to a name like OF, each NAME DATA DIRECTORY, with what of its data was synced
# before, and whether the directory was synced after.
OF=.
steps() { # TITLE WANTED...
    local title=$1 got problem=''
    shift
    got=$(jq -r --arg top "$MNT/" --arg of "$OF" '.changes[] | select(.kind == "rename" and (.new_path | test($of))) |
        [.new_path, .data, .new_posix] | map(. // "-" | ltrimstr($top)) | join(" ")' "$JSON" | sort)
    if [ "$got" != "$(printf '%s\n' "$@" | sort)" ] || ! holds '.totals.lost_events == 0'; then
        problem="$got ($(summary))"
    fi
    point "$title" "$problem"
}

# One point: a finding of that kind about that path, or none.
found() { # TITLE KIND PATH yes|no
    local problem='' has=no
    holds 'any(.findings[]; .kind == $kind and .path == $path)' --arg kind "$2" --arg path "$MNT$3" && has=yes
    [ $has = "$4" ] || problem=$(show '.findings')
    point "$1" "$problem"
}

export HOME=$work GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q "$MNT/r"
git -C "$MNT/r" commit -q --allow-empty -m first
for sync in none reference all; do
    echo $sync >"$MNT/r/file"
    git -C "$MNT/r" add .
    sync -f "$MNT"
    audit "git-$sync" git -C "$MNT/r" -c "core.fsync=$sync" commit -q -m $sync
    case $sync in
    none) index=not-durable ref=not-durable ;;
    reference) index=not-durable ref=durable ;;
    all) index=durable ref=durable ;;
    esac
    steps "git commit, core.fsync=$sync: the directory of the ref is never synced" \
        "r/.git/index $index not-durable" "r/.git/refs/heads/master $ref not-durable"
done
found "git commit: a power cut may undo the ref" dir-not-synced /r/.git/refs/heads yes
found "git commit, core.fsync=all: all was synced before it was renamed" rename-before-sync /r/.git/refs/heads/master no

echo old >"$MNT/edited"
sync -f "$MNT"
audit sed sed -i s/old/new/ "$MNT/edited"
steps "sed -i: neither the new file nor the directory" "edited not-durable not-durable"
found "sed -i: a power cut may leave neither" rename-before-sync /edited yes

audit vim vim -es -u NONE -c 'set backup backupcopy=no' -c 'normal ihello' -c wq "$MNT/edited"
steps "vim, backupcopy=no: it moves the old file away" "edited~ - not-durable"
found "vim: it syncs the new file, not the directory" dir-not-synced "" yes

# All but the last are gone when the audit ends.
audit again sh -c 'cd "$0" && for i in 1 2 3 4 5; do echo $i >temp; sync temp; mv temp again; sync .; done' "$MNT"
steps "a file that is replaced five times: with all steps each time" again\ durable\ durable{,,,,}

mkdir "$MNT/log"
echo line >"$MNT/log/app.log"
printf '%s/log/app.log {\n rotate 2\n size 1\n create\n su root root\n}\n' "$MNT" >"$work/rotate"
chmod 644 "$work/rotate"
sync -f "$MNT"
audit logrotate logrotate -f -s "$MNT/log/state" "$work/rotate"
steps "logrotate: its state is synced, the directory is not" "log/app.log.1 - not-durable" \
    "log/state durable not-durable"

mkdir "$MNT/source"
for i in 1 2; do echo "$i" >"$MNT/source/$i"; done
audit rsync rsync -a "$MNT/source/" "$MNT/copy/"
steps "rsync: nothing is synced" "copy/1 not-durable not-durable" "copy/2 not-durable not-durable"
for i in 1 2; do echo "new $i" >"$MNT/source/$i"; done
audit rsync-fsync rsync -a --fsync "$MNT/source/" "$MNT/copy/"
steps "rsync --fsync: the files are, the directory is not" "copy/1 durable not-durable" "copy/2 durable not-durable"

mkdir -p "$work/package/DEBIAN" "$work/package/usr/made" "$MNT/root/var/lib/dpkg/info" "$MNT/root/var/lib/dpkg/updates"
printf '%s: made\n' Package Version Architecture Maintainer Description | sed 's/Version: .*/Version: 1/; s/Arch.*: .*/Architecture: all/' \
    >"$work/package/DEBIAN/control"
for i in 1 2; do echo "$i" >"$work/package/usr/made/$i"; done
dpkg-deb --root-owner-group -b "$work/package" "$work/made.deb" >"$work/dpkg.out"
: >"$MNT/root/var/lib/dpkg/status"
dpkg --root="$MNT/root" --log=/dev/null --install "$work/made.deb" >>"$work/dpkg.out"
OF='/(made/.|status)$'
for unsafe in no-force force; do
    sync -f "$MNT"
    audit "dpkg-$unsafe" dpkg --root="$MNT/root" --log=/dev/null --$unsafe-unsafe-io --install "$work/made.deb"
    case $unsafe in
    no-force) data=durable title="dpkg: the files are synced, their directories are not; its database is" ;;
    force) data=not-durable title="dpkg --force-unsafe-io: nor are the files" ;;
    esac
    steps "$title" "root/usr/made/1 $data not-durable" "root/usr/made/2 $data not-durable" \
        "root/var/lib/dpkg/status durable durable"
done
OF=.
found "dpkg: what it unpacks may not be there after a power cut" dir-not-synced /root/usr/made yes

sqlite3 "$MNT/t.db" 'PRAGMA journal_mode=DELETE; CREATE TABLE t(a);' >"$work/sqlite.out"
sync -f "$MNT"
removed() { # TITLE WANTED
    local got
    got=$(show '[.changes[] | select(.kind == "unlink" and (.old_path | endswith("/t.db-journal"))) | .old_posix]')
    point "$1" "$([ "$got" = "[\"$2\"]" ] || echo "$got")"
}
audit sqlite-full sqlite3 "$MNT/t.db" 'PRAGMA synchronous=FULL; INSERT INTO t VALUES(1);'
removed "SQLite, synchronous=FULL: that its journal is gone is not synced" not-durable
audit sqlite-extra sqlite3 "$MNT/t.db" 'PRAGMA synchronous=EXTRA; INSERT INTO t VALUES(1);'
removed "SQLite, synchronous=EXTRA: it is" durable

# A layer of an image: a tree that is made aside, with data of its own, and renamed into place.
audit layer sh -c 'cp -r --reflink=never "$0/source" "$0/layer.tmp" && mv "$0/layer.tmp" "$0/layer"' "$MNT"
problem=''
holds '[.findings[] | select(.kind == "staging-not-synced")] | length == 1 and (.[0] | .severity == "risk" and
    .path == $top + "/layer" and (.detail | test("the data of 2 files and 2 new names were not synced: 1, 2, 1, 2$")))' \
    --arg top "$MNT" || problem=$(show .findings)
point "a layer that is renamed into place before it is synced: both files are listed" "$problem"
audit layer-synced sh -c 'cp -r --reflink=never "$0/source" "$0/tmp" && sync "$0/tmp/1" "$0/tmp/2" "$0/tmp" && mv "$0/tmp" "$0/safe" && sync "$0"' "$MNT"
problem=''
holds '[.findings[] | select(.kind != "never-synced" or .severity == "risk")] == []' && [ "$STATUS" = 0 ] ||
    problem="exit $STATUS: $(show .findings)"
point "a layer that is synced, with its directory, before and after: no finding" "$problem"
