/** `ckpt restore`: what retention evicted comes back. */
import type { Command } from 'commander'
import { sayOfStep } from '../facts/step-command.ts'
import type { Shell } from '../shell.ts'

const MORE = `
The checkpoint comes back from its noncurrent version, and is pinned: else retention would evict it again.
\`ckpt unpin\` lets it. Where the version has expired, that is said with the time at which it went, and the
exit code is 6; so it is where a person removed the checkpoint, which the hub does not undo.

Example:
  ckpt restore work_dirs/digits 3 && aws s3 cp s3://bucket/work_dirs/digits/epoch_3.pth .`

/** Adds the command. */
export function addRestore(program: Command, shell: Shell): void {
  const command = program
    .command('restore')
    .summary('bring back a checkpoint that retention evicted, and pin it')
    .description('Brings back a checkpoint that retention evicted, and pins it.')
  sayOfStep(command, shell, MORE, async () => {
    const { pinCheckpoint } = await import('../facts/pin-checkpoint.ts')
    return pinCheckpoint
  })
}
