#!/bin/sh
# in-opencryptoki.sh UNPACKED SPACE COMMAND…: runs COMMAND beside opencryptoki's daemon and a new token `poor`.
#
# UNPACKED is what fetch-opencryptoki.sh has made, SPACE an empty folder. To be started as
# `unshare -Urmpi --fork --kill-child --mount-proc sh in-opencryptoki.sh …`: the folders, the shared memory and the
# processes are those of new namespaces, which end with this script, and the daemon with them. No root is needed.
set -eu
unpacked=$1 space=$2
shift 2
mount -t tmpfs tmpfs "$space"
mkdir "$space/etc" "$space/etc.work" "$space/var" "$space/var.work"
mount -t overlay overlay -o "lowerdir=$unpacked/usr:/usr" /usr
mount -t overlay overlay -o "lowerdir=$unpacked/etc:/etc,upperdir=$space/etc,workdir=$space/etc.work" /etc
mount -t overlay overlay -o "lowerdir=$unpacked/var:/var,upperdir=$space/var,workdir=$space/var.work" /var
mount -t tmpfs tmpfs /run
mkdir -p /run/lock/opencryptoki/swtok /var/log/opencryptoki
printf 'version opencryptoki-3.8\nslot 0\n{\nstdll = libpkcs11_sw.so\n}\n' > /etc/opencryptoki/opencryptoki.conf
sed -i '/^pkcs11:/d' /etc/group
echo "pkcs11:x:$(id -g):root" >> /etc/group
libraries=$(dirname "$(find /usr/lib -path '*/opencryptoki/libopencryptoki.so.0' | head -n 1)")
export LD_LIBRARY_PATH="$libraries:$libraries/stdll"
export OPENCRYPTOKI="$libraries/libopencryptoki.so.0"
/usr/sbin/pkcsslotd
# It answers when its socket is there.
until [ -S /var/run/pkcsslotd.socket ]; do sleep 0.1; done
pkcs11-tool --module "$OPENCRYPTOKI" --slot 0 --init-token --label poor --so-pin 87654321 >/dev/null
pkcs11-tool --module "$OPENCRYPTOKI" --slot 0 --login --login-type so --so-pin 87654321 --init-pin --new-pin 12345678 >/dev/null
"$@"
