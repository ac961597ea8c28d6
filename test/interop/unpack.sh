# For the setup scripts: makes a small Debian of some packages and what they need, without installing any of
# them: no script of theirs runs, nothing of the machine's is replaced, and no daemon is started.
#
#   home=… root=$home/root        where to
#   prepare                       fails where a tool is missing
#   is_there                      whether this very script made it before, and `check` passes
#   fetch 'PACKAGE…'…             sets $needed: the packages with all that they depend on, each list by itself
#   download PACKAGE…             into $home/packages, from where `unpack` puts them into the root
#   make_places                   devices, the files that every program looks for, and root as the only user
#   done_with                     notes that it is all there
#   find_mirror                   instead of fetch, for mmdebstrap: empties $home, sets $mirror to where apt has Debian from
# shellcheck shell=bash

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

prepare() {
  for tool in apt-get dpkg-deb tar chroot mknod openssl sha256sum; do
    command -v $tool >/dev/null || fail "Cannot unpack: no $tool found"
  done
  [ "$(id -u)" = 0 ] || fail 'Cannot unpack: only root may do chroot'
}

stamp() {
  cat "$0" "${BASH_SOURCE[0]}" | sha256sum
}

is_there() {
  [ "$(cat "$home/stamp" 2>/dev/null)" = "$(stamp)" ] && check >/dev/null
}

settings() {
  printf '%s\n' -o Dir::State::status="$home/packages/status" -o Debug::NoLocking=1 -o APT::Sandbox::User=root
}

find_mirror() {
  [ "$(id -u)" = 0 ] || fail 'Cannot bootstrap: only root may do chroot'
  command -v mmdebstrap >/dev/null || fail 'Cannot bootstrap: no mmdebstrap found'
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sed -n 1p)
  [ -n "$mirror" ] || fail 'Cannot bootstrap: apt knows of no packages of Debian; run apt-get update'
  rm -rf "$home"
  mkdir -p "$home"
}

# An empty list of what is installed makes apt name all that is needed.
fetch() {
  rm -rf "$home"
  mkdir -p "$home/packages" "$root"
  : >"$home/packages/status"
  apt-get update || fail 'Cannot unpack: apt-get update failed'
  needed=
  for packages; do
    # shellcheck disable=SC2046,SC2086
    found=$(apt-get $(settings) --simulate --no-install-recommends install $packages) ||
      fail "Cannot unpack: apt has not all of $packages"
    needed+=$(awk '$1 == "Inst" { print $2 }' <<<"$found")$'\n'
  done
}

download() {
  # shellcheck disable=SC2046
  (cd "$home/packages" && apt-get $(settings) download "$@") || fail 'Cannot unpack: a package was not fetched'
}

# Debian's /bin, /lib and /sbin are links.
unpack() {
  mkdir -p "$root"/usr/{bin,lib,lib64,sbin} "$root"/{dev,etc,proc,run,tmp,var/tmp}
  for folder in bin lib lib64 sbin; do ln -s usr/$folder "$root/$folder"; done
  ln -s ../run "$root/var/run"
  for package; do
    dpkg-deb --fsys-tarfile "$home/packages/${package}"_*.deb |
      tar -x --keep-directory-symlink --exclude='./usr/share/doc' --exclude='./usr/share/man' -C "$root"
  done
  ln -sf dash "$root/bin/sh"
  chmod 1777 "$root/tmp"
}

make_places() {
  mknod -m 666 "$root/dev/null" c 1 3
  mknod -m 666 "$root/dev/zero" c 1 5
  mknod -m 666 "$root/dev/random" c 1 8
  mknod -m 666 "$root/dev/urandom" c 1 9
  : 2>/dev/null >"$root/dev/null" || fail "Cannot unpack: devices don't work in $root"
  printf '%s: files\n' passwd group hosts services protocols >"$root/etc/nsswitch.conf"
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
  : >"$root/etc/resolv.conf"
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"
}

done_with() {
  stamp >"$home/stamp"
}
