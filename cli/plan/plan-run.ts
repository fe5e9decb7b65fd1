/** Planning: what other options would keep and delete of a run. Nothing is done. */
import { HookArgumentError, type NamedArguments } from '../../lib/hook/hook-arguments.ts'
import type { Ledger } from '../../lib/hook/ledger.ts'
import { forecast, withOptions } from '../../lib/hook/what-if.ts'
import type { Terminal } from '../output/terminal.ts'
import { decisionOn } from '../stack/decision.ts'
import { loadNamedRun } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'
import { readNewOptions, wrongOptions } from './new-options.ts'
import { jsonOfPlan, type Planned, textOfPlan } from './report.ts'

/**
 * Plans a run.
 *
 * @param text the run, as it was typed
 * @param path of the file with the other arguments
 * @throws {Failure} `no-run`, `hook-argument`
 */
export async function planRun(
  stack: Stack,
  terminal: Terminal,
  text: string,
  path: string,
): Promise<void> {
  const named = await readNewOptions(path)
  const { ledger } = await loadNamedRun(stack, text)
  const nowSeconds = Math.floor(Date.now() / 1000)
  const other = withNewOptions(ledger, named, nowSeconds, path)
  const now = await decisionOn(stack, ledger, nowSeconds)
  const then = await decisionOn(stack, other, nowSeconds)
  const isRenamed =
    JSON.stringify(now.outcome.survey.naming) !== JSON.stringify(then.outcome.survey.naming)
  const planned: Planned = {
    run: ledger.run,
    bucket: stack.bucket.name,
    brake: stack.brake,
    noncurrentDays: stack.hub.setting.noncurrentDays,
    remarks: [
      ...then.outcome.options.remarks.map(({ field, reason }) => `${field}: ${reason}`),
      ...(isRenamed ? [OTHER_NAMES] : []),
    ],
    ...forecast(now, then),
  }
  terminal.answer(jsonOfPlan(planned), () => textOfPlan(terminal, planned))
}

const OTHER_NAMES =
  'other names would count: the hub would then look for uploads of such names, which this plan does not know of'

function withNewOptions(
  ledger: Ledger,
  named: NamedArguments,
  nowSeconds: number,
  path: string,
): Ledger {
  try {
    return withOptions(ledger, named, nowSeconds)
  } catch (error) {
    if (error instanceof HookArgumentError) throw wrongOptions(path, error)
    throw error
  }
}
