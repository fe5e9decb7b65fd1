/** Looks into, and gets in the way of, what an AWS client sends. */
import type { HandlerExecutionContext, MetadataBearer, MiddlewareStack } from '@smithy/types'

/** A client of the AWS SDK, as far as faults are concerned. */
export interface Client<Input extends object, Output extends object> {
  middlewareStack: MiddlewareStack<Input, Output>
}

/** A call that the SDK is about to make; `go` makes it. */
export interface Call {
  /** Such as `PutObject`. */
  name: string
  input: object
  go(): Promise<void>
}

/** An answer of 503, as the SDK gives it up after its own attempts. */
export class Unavailable extends Error {
  override readonly name = 'ServiceUnavailable'
  readonly $metadata = { httpStatusCode: 503, attempts: 3 }
}

/**
 * Puts something around every call of a client, outside of the SDK's own retries.
 *
 * @param around throws where the caller is to see an error; what it does not make never happens
 */
export function aroundCalls<Input extends object, Output extends object>(
  client: Client<Input, Output>,
  around: (call: Call) => Promise<void>,
): void {
  client.middlewareStack.add(
    (next, context: HandlerExecutionContext) => async (args) => {
      let answer: Awaited<ReturnType<typeof next>> | undefined
      await around({
        name: (context.commandName ?? '').replace(/Command$/, ''),
        input: args.input,
        go: async () => {
          answer = await next(args)
        },
      })
      return answer ?? { output: {} as Output, response: undefined }
    },
    { step: 'initialize', priority: 'high', name: `around-${Math.random()}` },
  )
}

/** Notes the names of the calls of a client. */
export function callsOf<Input extends object, Output extends object>(
  client: Client<Input, Output>,
): string[] {
  const names: string[] = []
  aroundCalls(client, async ({ name, go }) => {
    names.push(name)
    await go()
  })
  return names
}

/**
 * Lets the first answer of a call get lost on the wire, after it was applied. The SDK sends it again
 * and may meet its own success.
 */
export function loseFirstAnswer<Input extends object, Output extends object>(
  client: Client<Input, Output>,
  command: string,
): void {
  let lost = false
  client.middlewareStack.add(
    (next, context: HandlerExecutionContext) => async (args) => {
      const answer = await next(args)
      if (lost || context.commandName !== `${command}Command`) return answer
      lost = true
      const reset: Error & Partial<MetadataBearer> = new Error('socket hang up')
      reset.name = 'TimeoutError'
      throw reset
    },
    { step: 'finalizeRequest', priority: 'low', name: `lose-${command}` },
  )
}
