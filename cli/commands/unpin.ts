/** `ckpt unpin`: retention decides again. */
import type { Command } from 'commander'
import { sayOfStep } from '../facts/step-command.ts'
import type { Shell } from '../shell.ts'

const MORE = `
What is outside of what the run's options keep is evicted at once, and can be restored for as long as the
bucket keeps noncurrent versions.

Example:
  ckpt unpin work_dirs/digits 3`

/** Adds the command. */
export function addUnpin(program: Command, shell: Shell): void {
  const command = program
    .command('unpin')
    .summary('let retention decide on a pinned checkpoint again')
    .description('Lets retention decide on a pinned checkpoint again.')
  sayOfStep(command, shell, MORE, async () => {
    const { unpinCheckpoint } = await import('../facts/pin-checkpoint.ts')
    return unpinCheckpoint
  })
}
