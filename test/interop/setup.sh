#!/bin/bash
# Unpacks real mail servers for the interop tests: Postfix, Exim, OpenSMTPD and Dovecot, which can't be installed beside
# each other, and would be started if they were. They get a small Debian of their own, with all libraries that they
# need, and are run by chroot from there: on loopback, on free ports, as the tests say (servers/chroot.ts).
#
#   test/interop/setup.sh      as root, on Debian 12; does nothing when it is all there
set -euo pipefail
umask 022

home=/var/cache/posthaste-interop # also in servers/chroot.ts; `npm ci` empties the folders of the repository
root=$home/root
servers='postfix exim4-daemon-light opensmtpd dovecot-lmtpd dash' # dash: OpenSMTPD delivers by a shell
# What they don't load: their scripts, and what installs packages.
unwanted='^(libperl|lib.*-perl$|libpam-modules-bin|libpam-runtime)'

# shellcheck source=test/interop/unpack.sh
. "$(dirname "$0")/unpack.sh"
prepare

# Each server starts and tells its version, in its own Debian.
check() {
  chroot $root /usr/sbin/postconf -c /dev -d mail_version 2>/dev/null &&
    chroot $root /usr/sbin/exim4 -C /dev/null -bV 2>/dev/null | sed -n 1p &&
    { chroot $root /usr/sbin/smtpd -h 2>&1 || true; } | grep OpenSMTPD &&
    chroot $root /usr/sbin/dovecot --version | sed 's/^/dovecot /'
}

if is_there; then
  check
  exit 0
fi

# 1. The packages.
# shellcheck disable=SC2086
fetch $servers
needed=$(printf '%s\n' $servers "$(grep -E '^lib|^(zlib1g|exim4-base|dovecot-core|netbase|postfix)$' <<<"$needed" |
  grep -vE "$unwanted")" | sort -u | xargs)
# shellcheck disable=SC2086
download $needed

# 2. The root.
# shellcheck disable=SC2086
unpack $needed

# 3. What they find there: devices, names and users. These have numbers that nobody else has.
make_places
printf '%s::%s:\n' root 0 nogroup 65534 postfix 64001 postdrop 64002 Debian-exim 64003 opensmtpd 64004 \
  opensmtpq 64005 dovecot 64006 dovenull 64007 mailbox 64008 >$root/etc/group
printf '%s:*:%s:%s::/var/empty:/usr/sbin/nologin\n' root 0 0 nobody 65534 65534 postfix 64001 64001 \
  Debian-exim 64003 64003 opensmtpd 64004 64004 opensmtpq 64005 64005 dovecot 64006 64006 dovenull 64007 64007 \
  mailbox 64008 64008 >$root/etc/passwd
mkdir -p $root/var/empty $root/var/lib/opensmtpd/empty

check || fail 'Cannot unpack servers: one of them does not start'
done_with
