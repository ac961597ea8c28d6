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

fail() {
  echo "setup.sh: $*" >&2
  exit 1
}

for tool in apt-get dpkg-deb tar chroot mknod openssl sha256sum; do
  command -v $tool >/dev/null || fail "Cannot unpack servers: no $tool found"
done
[ "$(id -u)" = 0 ] || fail 'Cannot unpack servers: only root may do chroot'

# Each server starts and tells its version, in its own Debian.
check() {
  chroot $root /usr/sbin/postconf -c /dev -d mail_version 2>/dev/null &&
    chroot $root /usr/sbin/exim4 -C /dev/null -bV 2>/dev/null | sed -n 1p &&
    { chroot $root /usr/sbin/smtpd -h 2>&1 || true; } | grep OpenSMTPD &&
    chroot $root /usr/sbin/dovecot --version | sed 's/^/dovecot /'
}

stamp=$(sha256sum <"$0")
if [ "$(cat $home/stamp 2>/dev/null)" = "$stamp" ] && check >/dev/null; then
  check
  exit 0
fi
rm -rf $home
mkdir -p $home/packages $root

# 1. The packages. An empty list of what is installed makes apt name all that is needed.
cd $home/packages
: >status
settings=(-o Dir::State::status=$home/packages/status -o Debug::NoLocking=1 -o APT::Sandbox::User=root)
apt-get update || fail 'Cannot unpack servers: apt-get update failed'
needed=
for server in $servers; do
  found=$(apt-get "${settings[@]}" --simulate --no-install-recommends install $server) ||
    fail "Cannot unpack servers: apt has no $server"
  needed+=$(awk '$1 == "Inst" { print $2 }' <<<"$found" | grep -E '^lib|^(zlib1g|exim4-base|dovecot-core|netbase|postfix)$' | grep -vE "$unwanted")
  needed+=$'\n'
done
needed=$(printf '%s\n' $servers $needed | sort -u | xargs)
# shellcheck disable=SC2086
apt-get "${settings[@]}" download $needed || fail 'Cannot unpack servers: a package was not fetched'

# 2. The root. Debian's /bin, /lib and /sbin are links.
mkdir -p $root/usr/{bin,lib,lib64,sbin} $root/{dev,etc,proc,run,tmp,var/tmp}
for folder in bin lib lib64 sbin; do ln -s usr/$folder $root/$folder; done
ln -s ../run $root/var/run
for package in $needed; do
  dpkg-deb --fsys-tarfile "${package}"_*.deb |
    tar -x --keep-directory-symlink --exclude='./usr/share/doc' --exclude='./usr/share/man' -C $root
done
ln -sf dash $root/bin/sh
chmod 1777 $root/tmp

# 3. What they find there: devices, names and users. These have numbers that nobody else has.
mknod -m 666 $root/dev/null c 1 3
mknod -m 666 $root/dev/zero c 1 5
mknod -m 666 $root/dev/random c 1 8
mknod -m 666 $root/dev/urandom c 1 9
: 2>/dev/null >$root/dev/null || fail "Cannot unpack servers: devices don't work in $root"
printf '%s: files\n' passwd group hosts services protocols >$root/etc/nsswitch.conf
printf '127.0.0.1 localhost\n' >$root/etc/hosts
: >$root/etc/resolv.conf
printf '%s::%s:\n' root 0 nogroup 65534 postfix 64001 postdrop 64002 Debian-exim 64003 opensmtpd 64004 \
  opensmtpq 64005 dovecot 64006 dovenull 64007 mailbox 64008 >$root/etc/group
printf '%s:*:%s:%s::/var/empty:/usr/sbin/nologin\n' root 0 0 nobody 65534 65534 postfix 64001 64001 \
  Debian-exim 64003 64003 opensmtpd 64004 64004 opensmtpq 64005 64005 dovecot 64006 64006 dovenull 64007 64007 \
  mailbox 64008 64008 >$root/etc/passwd
mkdir -p $root/var/empty $root/var/lib/opensmtpd/empty

check || fail 'Cannot unpack servers: one of them does not start'
echo "$stamp" >$home/stamp
