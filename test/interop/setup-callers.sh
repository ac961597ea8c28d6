#!/bin/bash
# Unpacks programs that call sendmail, for callers*.test.ts: cron, at, PHP, git, mutt, and others. They look for it where
# their packages had it compiled in, so they get a small Debian of their own, where /usr/sbin/sendmail is ours.
#
#   test/interop/setup-callers.sh      as root, on Debian 12 or 13; does nothing when it is all there
set -euo pipefail
umask 022

home=/var/cache/posthaste-callers # also in callers/root.ts; `npm ci` empties the folders of the repository
root=$home/root
callers='cron at anacron busybox-static git-email php-cli php-symfony-mailer bsd-mailx s-nail mailutils mutt nmh alpine
  libmime-lite-perl libmailtools-perl libemail-sender-perl ruby-mail procmail maildrop dovecot-sieve vacation logwatch
  mdadm sudo'
base='dash bash coreutils sed grep findutils perl libstdc++6 libc-bin'
# What is there to be sent by, to be installed by, or to keep keys.
unwanted='^(exim4|gnupg|gpg|dirmngr|pinentry|udev$|adduser$|dpkg$|tar$|debconf$|ucf$|usrmerge$|init-system-helpers$|mysql-common$|mariadb-common$)'

# shellcheck source=test/interop/unpack.sh
. "$(dirname "$0")/unpack.sh"
prepare

# Those that tell a version do, in their own Debian.
check() {
  chroot $root /usr/bin/git --version &&
    chroot $root /usr/bin/php --version | sed -n 1p &&
    chroot $root /usr/bin/ruby --version &&
    chroot $root /usr/bin/mutt -v | sed -n 1p &&
    chroot $root /usr/bin/s-nail -V | sed -n 1p &&
    chroot $root /usr/bin/mail.mailutils --version | sed -n 1p &&
    chroot $root /usr/bin/perl -MMIME::Lite -e 'print "MIME::Lite $MIME::Lite::VERSION\n"'
}

if is_there; then
  check
  exit 0
fi

fetch "$callers $base"
# shellcheck disable=SC2086
needed=$(printf '%s\n' $callers $base $needed | grep -vE "$unwanted" | sort -u | xargs)
# shellcheck disable=SC2086
download $needed
# shellcheck disable=SC2086
unpack $needed
make_places

# What their packages' scripts would have done.
ln -s "$(basename "$root"/usr/bin/php[0-9]*)" $root/usr/bin/php
chmod 4755 $root/usr/bin/sudo
chown 1:1 $root/usr/bin/at
chmod 6755 $root/usr/bin/at
mkdir -p $root/var/spool/cron/{crontabs,atjobs,atspool} $root/var/spool/anacron $root/home/ann $root/var/mail
touch $root/var/spool/cron/atjobs/.SEQ
printf '%s:x:%s:\n' root 0 daemon 1 tty 5 mail 8 sudo 27 nogroup 65534 crontab 64100 dovecot 64102 ann 64111 bob 64112 \
  >$root/etc/group
printf '%s:x:%s:%s:%s:%s:/bin/sh\n' root 0 0 root /root daemon 1 1 daemon /usr/sbin mail 8 8 mail /var/mail \
  nobody 65534 65534 nobody /nonexistent dovecot 64102 64102 '' /usr/lib/dovecot \
  ann 64111 64111 'Ann Archer' /home/ann bob 64112 64112 '' /home/bob >$root/etc/passwd
chown -R 64111:64111 $root/home/ann
chown 1:1 $root/var/spool/cron/at* $root/var/spool/cron/atjobs/.SEQ
chmod 1770 $root/var/spool/cron/at*
chown 0:64100 $root/var/spool/cron/crontabs
chmod 1730 $root/var/spool/cron/crontabs
# Everybody may do what is asked of them.
: >$root/etc/at.deny
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$(hostname)" >$root/etc/hosts
printf '%s\n' 'Defaults mail_no_perms, mailto=root, !authenticate' 'ann ALL = /bin/true' >$root/etc/sudoers
chmod 440 $root/etc/sudoers
rm -rf $root/etc/pam.d
mkdir $root/etc/pam.d
printf '%s required pam_permit.so\n' auth account password session >$root/etc/pam.d/other

check || fail 'Cannot unpack callers: one of them does not start'
done_with
