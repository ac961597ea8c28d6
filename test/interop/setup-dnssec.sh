#!/bin/bash
# Unpacks name servers for dane.test.ts, into a small Debian of their own: BIND, which serves signed zones, and Unbound,
# which validates them.
#
#   test/interop/setup-dnssec.sh      as root, on Debian 12; does nothing when it is all there
set -euo pipefail
umask 022

home=/var/cache/posthaste-dnssec # also in servers/dnssec.ts; `npm ci` empties the folders of the repository
root=$home/root
programs='bind9 bind9-libs bind9-utils unbound dash'
# What they don't load: scripts, and what sets up a system.
unwanted='^(libperl|lib.*-perl$|libpam|libpython3.*-(minimal|stdlib)$|libdevmapper|libbpf|libsem)'

# shellcheck source=test/interop/unpack.sh
. "$(dirname "$0")/unpack.sh"
prepare

check() {
  chroot $root /usr/sbin/named -v &&
    chroot $root /usr/sbin/unbound -V | sed -n 1p | grep Version &&
    chroot $root /usr/bin/dnssec-signzone -V | sed 's/^/dnssec-signzone: /'
}

if is_there; then
  check
  exit 0
fi

fetch "$programs"
# shellcheck disable=SC2086
needed=$(printf '%s\n' $programs "$(grep -E '^(lib|zlib1g$)' <<<"$needed" | grep -vE "$unwanted")" | sort -u | xargs)
# shellcheck disable=SC2086
download $needed
# shellcheck disable=SC2086
unpack $needed
make_places

check || fail 'Cannot unpack name servers: one of them does not start'
done_with
