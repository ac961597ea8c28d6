#!/bin/bash
# Unpacks a desktop's keyring, its bus and secret-tool for keyring.test.ts, into a small Debian of their own.
#
#   test/interop/setup-keyring.sh      as root, on Debian 12; does nothing when it is all there
set -euo pipefail
umask 022

home=/var/cache/posthaste-keyring # also in servers/keyring.ts; `npm ci` empties the folders of the repository
root=$home/root
# gnome-keyring is taken without what it needs to show windows: there is no screen.
programs='libsecret-tools libgcr-base-3-1 libcap-ng0 dbus-daemon dbus-bin dash coreutils'
bare='gnome-keyring dbus-session-bus-common'
# Whose scripts would set up a system.
unwanted='^(dpkg|tar|debconf|perl-base|debianutils|usrmerge|libfile-find-rule-perl)$'

# shellcheck source=test/interop/unpack.sh
. "$(dirname "$0")/unpack.sh"
prepare

check() {
  chroot $root /usr/bin/gnome-keyring-daemon --version | sed -n 1p &&
    chroot $root /usr/bin/dbus-daemon --version | sed -n 1p &&
    { chroot $root /usr/bin/secret-tool 2>&1 || true; } | grep -m 1 '^usage'
}

if is_there; then
  check
  exit 0
fi

fetch "$programs"
# shellcheck disable=SC2086
needed=$(printf '%s\n' $programs $bare $needed | grep -vE "$unwanted" | sort -u | xargs)
# shellcheck disable=SC2086
download $needed
# shellcheck disable=SC2086
unpack $needed
make_places

check || fail 'Cannot unpack keyring: one of its programs does not start'
done_with
