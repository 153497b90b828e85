#!/bin/sh
# Installs what tests/age_cctv.rs and tests/age_interop.rs compare with: the npm packages
# `age-encryption` and `cctv-age`, at the versions and hashes of tests/tools/age/package-lock.json,
# into ${QUORATE_TOOLS:-target/tools}/age, and unpacks the vectors into its folder `vectors`.
# Needs Node 20.19 or later with npm. Runs nothing that a package brings along.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${QUORATE_TOOLS:-$here/../../target/tools}/age
mkdir -p "$to"
cp "$here/age/package.json" "$here/age/package-lock.json" "$here/age/unpack.mjs" "$to/"
cd "$to"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
rm -rf vectors
node unpack.mjs vectors
