// Writes the C2SP/CCTV age vectors, one file each, into a folder. Their age files come zlib-packed
// or not; they are written unpacked, so that the tests need no zlib.
//
//   node unpack.mjs FOLDER        beside a node_modules with `cctv-age`

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import * as vectors from 'cctv-age'

const folder = process.argv[2]
mkdirSync(folder, { recursive: true })
let count = 0
for (const [name, bytes] of Object.entries(vectors)) {
  if (!(bytes instanceof Uint8Array)) continue
  const vector = Buffer.from(bytes)
  const end = vector.indexOf('\n\n')
  let header = vector.subarray(0, end).toString('ascii')
  let file = vector.subarray(end + 2)
  if (/^compressed: zlib$/m.test(header)) {
    header = header.replace(/^compressed: zlib\n?/m, '').trimEnd()
    file = inflateSync(file)
  }
  writeFileSync(join(folder, name), Buffer.concat([Buffer.from(`${header}\n\n`), file]))
  count += 1
}
console.log(`${count} vectors in ${folder}`)
