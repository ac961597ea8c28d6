#!/bin/bash
# Bootstraps the Debians that the package is made for, small ones with apt, for releases.test.ts: to install it with their
# own dpkg beside their own nodejs. They come from where this machine's packages come from.
#
#   test/interop/setup-releases.sh      as root, on Debian 12 or 13; does nothing when it is all there
set -euo pipefail
umask 022

home=/var/cache/posthaste-releases # also in releases.test.ts; `npm ci` empties the folders of the repository

# shellcheck source=test/interop/unpack.sh
. "$(dirname "$0")/unpack.sh"

# Each starts its dpkg; that of Debian 13 has a nodejs that is new enough, Debian 12 has none.
check() {
  chroot $home/bookworm dpkg --version | sed -n 1p &&
    chroot $home/trixie dpkg --version | sed -n 1p &&
    chroot $home/trixie node --version
}

if is_there; then
  check
  exit 0
fi

find_mirror

# ca-certificates, because apt asks before it installs what is recommended; no fsync and no papers, as nobody reads it.
bootstrap() {
  mmdebstrap --quiet --mode=root --variant=apt --include="$2" --aptopt='Apt::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' "$1" "$home/$1" "$mirror" >"$home/$1.log" 2>&1 ||
    { cat "$home/$1.log" >&2 && fail "Cannot bootstrap $1"; }
  # What made it small is not for our package.
  rm "$home/$1"/etc/{apt/apt.conf.d,dpkg/dpkg.cfg.d}/99mmdebstrap
}

# One for each core.
bootstrap bookworm ca-certificates &
bootstrap trixie ca-certificates,nodejs
wait $!

check || fail 'Cannot bootstrap: one of them does not start'
done_with
