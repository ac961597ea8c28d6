#!/bin/bash
# Unpacks Dovecot 2.4 of Debian 13 for auth.test.ts: a mail server that binds logins to TLS (SCRAM-SHA-256-PLUS), which
# none of Debian 12 does. It comes from where this machine's packages come from.
#
#   test/interop/setup-submission.sh      as root, on Debian 12 or 13; does nothing when it is all there
set -euo pipefail
umask 022

home=/var/cache/posthaste-submission # also in servers/submission.ts; `npm ci` empties the folders of the repository
root=$home/root

# shellcheck source=test/interop/unpack.sh
. "$(dirname "$0")/unpack.sh"

check() {
  chroot $root /usr/sbin/dovecot --version | sed 's/^/dovecot /'
}

if is_there; then
  check
  exit 0
fi

find_mirror
# No script of a package runs.
mmdebstrap --quiet --mode=root --variant=extract --include=dovecot-submissiond,dash,coreutils \
  --aptopt='Apt::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/man/*' trixie $root "$mirror" >$home/log 2>&1 ||
  { cat $home/log >&2 && fail 'Cannot unpack Dovecot'; }

for folder in bin lib lib64 sbin; do [ -e $root/$folder ] || ln -s usr/$folder $root/$folder; done
mkdir -p $root/{proc,run,tmp,var/empty}
chmod 1777 $root/tmp
for device in 'null 1 3' 'zero 1 5' 'random 1 8' 'urandom 1 9'; do
  read -r name major minor <<<"$device"
  [ -e $root/dev/"$name" ] || mknod -m 666 $root/dev/"$name" c "$major" "$minor"
done
printf '%s: files\n' passwd group hosts services protocols >$root/etc/nsswitch.conf
printf '127.0.0.1 localhost\n' >$root/etc/hosts
# As in setup.sh.
printf '%s::%s:\n' root 0 dovecot 64006 dovenull 64007 mailbox 64008 >$root/etc/group
printf '%s:*:%s:%s::/var/empty:/usr/sbin/nologin\n' root 0 0 dovecot 64006 64006 dovenull 64007 64007 \
  mailbox 64008 64008 >$root/etc/passwd

check || fail 'Cannot unpack Dovecot: it does not start'
done_with
