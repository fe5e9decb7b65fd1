/** `ckpt pin`: a checkpoint stays, whatever retention decides. */
import type { Command } from 'commander'
import { sayOfStep } from '../facts/step-command.ts'
import type { Shell } from '../shell.ts'

const MORE = `
A pinned checkpoint is kept beyond max_keep_ckpts, with all its keys, until \`ckpt unpin\`. It takes no place
from others. One that retention evicted comes back, as with \`ckpt restore\`.

The pin is a small object, .checkpoint-hub/facts/<run>/pin-<checkpoint>.json, and takes s3:PutObject there.

Examples:
  ckpt pin work_dirs/digits 3
  ckpt pin s3://bucket/work_dirs/digits epoch_3.pth --by ada`

/** Adds the command. */
export function addPin(program: Command, shell: Shell): void {
  const command = program
    .command('pin')
    .summary('keep a checkpoint, whatever retention decides')
    .description('Keeps a checkpoint, whatever retention decides, until it is unpinned.')
  sayOfStep(command, shell, MORE, async () => {
    const { pinCheckpoint } = await import('../facts/pin-checkpoint.ts')
    return pinCheckpoint
  })
}
