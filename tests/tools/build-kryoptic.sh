#!/bin/sh
# Builds the second software token that tests/hsm.rs uses, kryoptic, from the registry at the versions
# of tests/tools/kryoptic/Cargo.lock, into ${QUORATE_TOOLS:-target/tools}/kryoptic/libkryoptic.so.
# About two minutes on two cores; nothing when it was built from the same files before.
# Needs libssl-dev, libsqlite3-dev, libclang-dev and clang.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${QUORATE_TOOLS:-$here/../../target/tools}/kryoptic
mkdir -p "$to"
to=$(cd "$to" && pwd)
cd "$here/kryoptic"
from=$(cat Cargo.lock Cargo.toml src/lib.rs | sha256sum | cut -d ' ' -f 1)
if [ -f "$to/libkryoptic.so" ] && [ "$(cat "$to/built-from" 2>/dev/null)" = "$from" ]; then
    exit 0
fi
echo "building the software token kryoptic, which takes some minutes and is kept"
rm -f "$to/built-from"
CARGO_TARGET_DIR="$to/build" cargo build --quiet --release --locked
mv "$to/build/release/libkryoptic.so" "$to/libkryoptic.so"
rm -rf "$to/build"
echo "$from" >"$to/built-from"
