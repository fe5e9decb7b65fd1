import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { throughEveryReader } from '../../fixtures/every-reader.ts'
import { legacyOf } from '../../fixtures/legacy-bytes.ts'
import { type Attack, attacks } from '../../fixtures/malicious-pickles.ts'
import { call, dict, pickleOf, text } from '../../fixtures/pickle-bytes.ts'
import { PythonSession } from '../../fixtures/python-session.ts'
import { asTar, TAR_ROOM } from '../../fixtures/tar-bytes.ts'
import { checkpointOf } from '../../fixtures/zip-bytes.ts'

interface AttackFile {
  readonly name: string
  readonly bytes: Uint8Array
  readonly code: string
  readonly runs: boolean
}

const folder = await mkdtemp(join(tmpdir(), 'checkpoint-attacks-'))
const sentinel = join(folder, 'ran')
const hub = join(folder, 'hub')
const files = [...attacks(sentinel, hub).flatMap(filesOf), tarFile()]

let ran: string[]
beforeAll(async () => {
  await mkdir(hub)
  const program = "def attack(path):\n    open(path, 'w').write('ran')\n"
  await writeFile(join(hub, 'hubconf.py'), program)
  for (const [index, { bytes }] of files.entries()) {
    await writeFile(join(folder, `${index}.pth`), bytes)
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a malicious checkpoint', () => {
  test.each(files)('is found by every reader, and not run: $name', async ({ bytes, code }) => {
    expect(await throughEveryReader(bytes)).toEqual([code, code, code])
    expect(existsSync(sentinel)).toBe(false)
  })

  test(`is a real one: torch itself runs ${files.filter(({ runs }) => runs).length} of these ${files.length}`, async () => {
    const session = await PythonSession.start('torch_attacks.py', [folder, sentinel])
    try {
      ran = await session.answer()
    } finally {
      session.end()
    }
    const named = (numbers: readonly string[]) =>
      numbers.map((number) => files[Number(number)]?.name).toSorted()
    const expected = files.filter(({ runs }) => runs).map(({ name }) => name)
    expect(named(ran)).toEqual(expected.toSorted())
  })
})

/** A sound legacy file, whose bytes are a tar file as well: torch tries that first. */
function tarFile(): AttackFile {
  const systemInfo = dict({ protocol_version: 'M\xe9\x03', room: text(TAR_ROOM) })
  const sound = legacyOf(dict({ meta: 'N', state_dict: '}' }), [], { systemInfo })
  const command = call('os', 'system', text(`echo ran > ${sentinel}`))
  const bytes = asTar(sound, command)
  return {
    name: 'in a tar file that is a legacy file, too',
    bytes,
    code: 'legacy-format',
    runs: true,
  }
}

/** The same pickle in either container. */
function filesOf({ name, piece, code = 'forbidden-global', legacyCode = code, harmless }: Attack) {
  const value = dict({ meta: piece, state_dict: '}' })
  const runs = harmless === undefined
  return [
    { name: `${name}, in a zip file`, bytes: checkpointOf(pickleOf(value)), code, runs },
    { name: `${name}, in a legacy file`, bytes: legacyOf(value, []), code: legacyCode, runs },
  ] satisfies AttackFile[]
}
