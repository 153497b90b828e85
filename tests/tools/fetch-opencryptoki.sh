#!/bin/sh
# Unpacks Debian's opencryptoki into ${QUORATE_TOOLS:-target/tools}/opencryptoki, without installing it: its package
# would start a daemon for the whole machine. tests/tools/in-opencryptoki.sh runs it in namespaces of its own.
# A system without apt has none, and the test that wants it says so.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${QUORATE_TOOLS:-$here/../../target/tools}/opencryptoki
[ -x "$to/usr/sbin/pkcsslotd" ] && exit 0
command -v apt-get >/dev/null || exit 0
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
cd "$new"
for package in opencryptoki libopencryptoki0 libtspi1 libldap-2.5-0 libitm1; do
    apt-get download -qq "$package" >/dev/null 2>&1 || echo "opencryptoki: no package $package"
done
mkdir root
for file in *.deb; do
    [ -e "$file" ] || exit 0
    dpkg -x "$file" root
done
mkdir -p "$(dirname "$to")"
rm -rf "$to"
mv root "$to"
