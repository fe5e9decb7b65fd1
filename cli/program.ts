/** The command tree: what `ckpt` understands, and what its help says. */
import { Command } from 'commander'
import { addAdopt } from './commands/adopt.ts'
import { addApply } from './commands/apply.ts'
import { addBest } from './commands/best.ts'
import { addCompletion } from './commands/completion.ts'
import { addDlq } from './commands/dlq.ts'
import { addDone } from './commands/done.ts'
import { addDownload } from './commands/download.ts'
import { addExplain } from './commands/explain.ts'
import { addForget } from './commands/forget.ts'
import { addInspect } from './commands/inspect.ts'
import { addLast } from './commands/last.ts'
import { addLeaderboard } from './commands/leaderboard.ts'
import { addLog } from './commands/log.ts'
import { addPin } from './commands/pin.ts'
import { addPlan } from './commands/plan.ts'
import { addPublish } from './commands/publish.ts'
import { addPublished } from './commands/published.ts'
import { addPush } from './commands/push.ts'
import { addRestore } from './commands/restore.ts'
import { addResume } from './commands/resume.ts'
import { addRuns } from './commands/runs.ts'
import { addShow } from './commands/show.ts'
import { addUi } from './commands/ui.ts'
import { addUnpin } from './commands/unpin.ts'
import { addUrl } from './commands/url.ts'
import { addWatch } from './commands/watch.ts'
import { EXIT_CODES } from './failure.ts'
import type { Shell } from './shell.ts'

/** The help is read in terminals of any width, and stands in `docs/cli.md`. */
const HELP_WIDTH = 100

/**
 * Builds the command tree.
 *
 * @param version of the package
 */
export function programOf(shell: Shell, version: string): Command {
  const program = new Command('ckpt')
    .description('Asks the hub for checkpoints, uploads them, looks into them and publishes them.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .option('--json', 'print one JSON document instead of text; errors too, to standard error')
    .option('--region <name>', 'AWS region (default: AWS_REGION, or the profile’s)')
    .option('--profile <name>', 'profile of ~/.aws (default: AWS_PROFILE)')
    .option('--endpoint-url <url>', 'another S3 than AWS’s (default: AWS_ENDPOINT_URL)')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ showGlobalOptions: true, helpWidth: HELP_WIDTH })
    .addHelpText('after', surroundings())
  addInspect(program, shell)
  addPublish(program, shell)
  addRuns(program, shell)
  addShow(program, shell)
  addBest(program, shell)
  addLast(program, shell)
  addResume(program, shell)
  addPublished(program, shell)
  addLeaderboard(program, shell)
  addWatch(program, shell)
  addUi(program, shell)
  addDownload(program, shell)
  addUrl(program, shell)
  addPush(program, shell)
  addLog(program, shell)
  addDone(program, shell)
  addExplain(program, shell)
  addPlan(program, shell)
  addRestore(program, shell)
  addPin(program, shell)
  addUnpin(program, shell)
  addApply(program, shell)
  addDlq(program, shell)
  addForget(program, shell)
  addAdopt(program, shell)
  addCompletion(program, shell)
  return program
}

function surroundings(): string {
  const codes = Object.values(EXIT_CODES).map(
    ({ code, means }) => `  ${String(code).padEnd(5)}${means}`,
  )
  return `
Credentials and region are found as the AWS CLI finds them: environment, profile, SSO, web identity,
container, instance. Colours are left out on a pipe and where NO_COLOR is set.

Exit codes:
  0    done
${codes.join('\n')}`
}
