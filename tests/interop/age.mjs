// The other age implementation: answers one line for each line of standard input.
//
//   node age.mjs FOLDER           the folder that tests/tools/fetch-age.sh filled
//
//   keygen hybrid|x25519            ->  ok IDENTITY RECIPIENT
//   encrypt RECIPIENT[,…] BASE64    ->  ok BASE64        (an empty plaintext is `-`)
//   decrypt IDENTITY BASE64         ->  ok BASE64        or `error`

import { createInterface } from 'node:readline'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const entry = resolve(process.argv[2], 'node_modules/age-encryption/dist/index.js')
const age = await import(pathToFileURL(entry))
const bytes = (text) => (text === '-' ? new Uint8Array() : new Uint8Array(Buffer.from(text, 'base64')))
const text = (data) => (data.length === 0 ? '-' : Buffer.from(data).toString('base64'))

async function answer(line) {
  const [what, key, data] = line.split(' ')
  if (what === 'keygen') {
    const identity = await (key === 'hybrid' ? age.generateHybridIdentity() : age.generateX25519Identity())
    return `${identity} ${await age.identityToRecipient(identity)}`
  }
  if (what === 'encrypt') {
    const encrypter = new age.Encrypter()
    for (const recipient of key.split(',')) encrypter.addRecipient(recipient)
    return text(await encrypter.encrypt(bytes(data)))
  }
  const decrypter = new age.Decrypter()
  decrypter.addIdentity(key)
  return text(await decrypter.decrypt(bytes(data), 'uint8array'))
}

for await (const line of createInterface({ input: process.stdin })) {
  let said
  try {
    said = `ok ${await answer(line)}`
  } catch {
    said = 'error'
  }
  process.stdout.write(`${said}\n`)
}
