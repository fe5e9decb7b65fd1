/**
 * Child processes that end with this one, together with everything that they start.
 *
 * Each leads a process group of its own. A group is ended by its own number, never by a name, so
 * that nothing else on the machine is touched.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

const running = new Set<number>()

process.on('exit', () => {
  for (const group of running) signal(group, 'SIGKILL')
})

/** Starts a process as the leader of a new group. */
export function spawnGroup(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true })
  const { pid } = child
  if (pid !== undefined) {
    running.add(pid)
    // A leader that ended by itself may have left others behind; its number is not given to another
    // process while the group has a member.
    child.on('exit', () => {
      signal(pid, 'SIGKILL')
      running.delete(pid)
    })
  }
  return child
}

/**
 * Ends a group, politely first.
 *
 * @param graceMs how long it has before it is killed, in milliseconds
 * @returns once none of the group's processes is left
 */
export async function endGroup(child: ChildProcess, graceMs: number): Promise<void> {
  const { pid } = child
  // Once a group is gone, the system may give its number to another.
  if (pid === undefined || !running.has(pid)) return
  const deadline = Date.now() + graceMs
  signal(pid, 'SIGTERM')
  while (groupExists(pid)) {
    if (Date.now() > deadline) signal(pid, 'SIGKILL')
    await sleep(20)
  }
}

/** Whether any process of the group is left. */
export function groupExists(group: number): boolean {
  return signal(group, 0)
}

function signal(group: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, name)
    return true
  } catch {
    return false
  }
}
