/** Which place of the code makes a call: the operation, and the function of `lib` that asks for it. */

const LIB = /\/lib\/((?:bucket|message-hub|run|hook)\/[\w-]+)\.ts$/

/**
 * Names the place that calls, such as `DeleteObject of deleteIfMatch in bucket/delete`. To be called within
 * `send`, while the caller is still on the stack.
 */
export function callSite(operation: string): string {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Error.stackTraceLimit = 12
    Error.prepareStackTrace = placeIn
    const holder: { stack?: unknown } = {}
    Error.captureStackTrace(holder, callSite)
    return `${operation} of ${String(holder.stack)}`
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}

function placeIn(_: unknown, frames: NodeJS.CallSite[]): string {
  for (const frame of frames) {
    const file = LIB.exec(frame.getFileName() ?? '')?.[1]
    if (file === undefined) continue
    // A call that is made again comes from the arrow function that makes it: it has no name either time.
    return `${frame.getFunctionName() ?? ''} in ${file}`.trim()
  }
  return 'a page after the first'
}
