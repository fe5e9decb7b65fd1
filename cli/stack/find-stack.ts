/** Finding a stack: CloudFormation knows by which names its bucket, table and queues go. */
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateDescribeStacks,
  type Stack as StackDescription,
} from '@aws-sdk/client-cloudformation'
import type { ClientConfig } from '../connection.ts'
import { Failure } from '../failure.ts'
import { failureOf } from '../failure-of.ts'
import { isHub, type Outputs, parseOutputs } from './outputs.ts'

/** What `infra/settings.ts` calls a stack where nobody names it. */
const DEFAULT_NAME = 'CheckpointHub'

/** A stack and what it says of itself. */
export interface FoundStack {
  readonly name: string
  readonly outputs: Outputs
}

/**
 * Finds a stack.
 *
 * @param name as it was typed; `CKPT_STACK`, or the default name, if it was not
 * @throws {Failure} `no-stack` with region and account, `AccessDenied`, `older-stack`
 */
export async function findStack(
  config: ClientConfig,
  name = process.env['CKPT_STACK'] || DEFAULT_NAME,
): Promise<FoundStack> {
  const cloudformation = new CloudFormationClient(config)
  try {
    const stack = await describe(cloudformation, name)
    if (stack === undefined) throw await noStack(cloudformation, name)
    return { name, outputs: parseOutputs(name, stack) }
  } finally {
    cloudformation.destroy()
  }
}

async function describe(
  cloudformation: CloudFormationClient,
  name: string,
): Promise<StackDescription | undefined> {
  try {
    const command = new DescribeStacksCommand({ StackName: name })
    const { Stacks = [] } = await cloudformation.send(command)
    return Stacks[0]
  } catch (error) {
    const { name: code, message } = error as Error
    // A name that no stack may have is refused by the same code as one that none has.
    if (code === 'ValidationError') return undefined
    if (code.startsWith('AccessDenied')) {
      throw new Failure('failed', `the stack ${JSON.stringify(name)} may not be described`, {
        code,
        advice: `Finding a stack takes cloudformation:DescribeStacks. AWS says: ${message}`,
        cause: error,
      })
    }
    throw failureOf(error, `stack ${JSON.stringify(name)}`)
  }
}

async function noStack(cloudformation: CloudFormationClient, name: string): Promise<Failure> {
  const others = await stacksThatMayBeSeen(cloudformation)
  const hubs = others.filter(isHub).map(({ StackName }) => StackName)
  const account = (await accountOf(cloudformation)) ?? others.map(accountIn).find(Boolean)
  const region = await cloudformation.config.region()
  const where = `the region ${region} of ${account === undefined ? 'this account' : `the account ${account}`}`
  const advice =
    hubs.length > 0
      ? `There is: ${hubs.join(', ')}. Name it with --stack, or set CKPT_STACK.`
      : 'Name its --region or --profile if it is elsewhere, or deploy one: npm run deploy'
  return new Failure('not-found', `there is no stack ${JSON.stringify(name)} in ${where}`, {
    code: 'no-stack',
    advice,
  })
}

/** Only for advice: whoever may not list stacks gets less of it. */
async function stacksThatMayBeSeen(
  cloudformation: CloudFormationClient,
): Promise<StackDescription[]> {
  const found: StackDescription[] = []
  try {
    for await (const { Stacks = [] } of paginateDescribeStacks({ client: cloudformation }, {})) {
      found.push(...Stacks)
    }
  } catch {
    return found
  }
  return found
}

/** Some kinds of credentials say whose they are. */
async function accountOf(cloudformation: CloudFormationClient): Promise<string | undefined> {
  return (await cloudformation.config.credentials()).accountId
}

function accountIn({ StackId = '' }: StackDescription): string | undefined {
  return StackId.split(':')[4]
}
