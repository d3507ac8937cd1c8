# shellcheck shell=bash
# Staging trees for the guest and packing them.

# Copies a program to the same path of a tree, with every library it needs.
add_program() { # ROOT PROGRAM [GUESTPATH]
    local root=$1 program=$2 target=${3:-$2} library
    mkdir -p "$root$(dirname "$target")"
    cp -L "$program" "$root$target"
    { ldd "$program" 2>/dev/null || true; } | sed -nE 's|^[^/]*(/[^ ]+) \(0x.*|\1|p' |
        while read -r library; do
            [ -e "$root$library" ] && continue
            mkdir -p "$root$(dirname "$library")"
            cp -L "$library" "$root$library"
        done
}

# Not compressed: unpacking costs more under emulation than loading.
pack() { # ROOT OUT
    (cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0) >"$2.part"
    mv "$2.part" "$2"
}
