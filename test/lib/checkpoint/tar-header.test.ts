import { describe, expect, test } from 'vitest'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { assemble, planOutput } from '../../../lib/checkpoint/rewrite.ts'
import { looksLikeTar } from '../../../lib/checkpoint/tar-header.ts'
import { complaintOf } from '../../fixtures/complaint.ts'
import { throughEveryReader } from '../../fixtures/every-reader.ts'
import { legacyOf } from '../../fixtures/legacy-bytes.ts'
import { call, dict, int, type Piece, text } from '../../fixtures/pickle-bytes.ts'
import { asTar, TAR_ROOM } from '../../fixtures/tar-bytes.ts'

const ATTACK = call('os', 'system', text('true'))
const room = (value: string): Piece => dict({ protocol_version: 'M\xe9\x03', room: text(value) })
const withRoom = (value: string, before: Piece = '') =>
  legacyOf(dict({ meta: int(1), state_dict: '}' }), [], { systemInfo: [before, room(value)] })
const PLAIN = withRoom(TAR_ROOM)

describe('a file that torch would read as a tar archive', () => {
  test('is refused though it is a legacy file, too', async () => {
    expect(await throughEveryReader(PLAIN)).toEqual(['fine', 'fine', 'fine'])
    const codes = await throughEveryReader(asTar(PLAIN, ATTACK))
    expect(codes).toEqual(['legacy-format', 'legacy-format', 'legacy-format'])
  })

  test('is refused whatever the spelling of its sum', () => {
    const tar = asTar(PLAIN, ATTACK)
    const sum = Buffer.from(tar.subarray(148, 154)).toString('latin1')
    for (const spelling of [
      `  ${sum}`,
      `+${sum} `,
      `0o${sum}`,
      `${sum[0]}_${sum.slice(1)} `,
      `${sum}\0x`,
    ]) {
      const other = Buffer.from(tar)
      other.write(spelling, 148, 'latin1')
      expect([spelling, looksLikeTar(other)]).toEqual([spelling, true])
    }
    const binary = Buffer.from(tar)
    binary.fill(0, 148, 156)[148] = 0o200
    binary.writeUInt32BE(Number.parseInt(sum, 8), 152)
    expect(looksLikeTar(binary)).toBe(true)
    const wrong = Buffer.from(tar)
    wrong[0] = (wrong[0] ?? 0) ^ 1
    expect(looksLikeTar(wrong)).toBe(false)
    expect(looksLikeTar(tar.subarray(0, 511))).toBe(false)
  })

  test('is not written, of a file that is none', async () => {
    const written = await rewritten(PLAIN)
    const at = Buffer.from(written).indexOf(TAR_ROOM)
    const content = asTar(written, ATTACK).subarray(at, at + TAR_ROOM.length)
    // The values that are thrown away, in the source alone, move the room within it.
    const source = withRoom(Buffer.from(content).toString('latin1'), 'N0N0N0')
    expect(looksLikeTar(source)).toBe(false)
    expect(await complaintOf(() => rewritten(source))).toBe('legacy-format')
  })
})

async function rewritten(source: Uint8Array): Promise<Uint8Array> {
  const reader = readerOver(source)
  const plan = await planOutput(reader, { format: 'pth', wanted: () => true })
  return Buffer.concat(await Array.fromAsync(assemble(reader, plan)))
}
