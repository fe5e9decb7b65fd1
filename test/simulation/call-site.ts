/** Which place of the code makes a call: the operation, and the function of `lib` that asks for it. */

const LIB = /\/lib\/((?:bucket|message-hub|run|hook)\/[\w-]+)\.ts$/

/** What a key is, by the first of these that it fits. */
const KINDS: readonly [RegExp, string][] = [
  [/^\.checkpoint-hub\/staging\/.*\.json$/, 'a record of what is staged'],
  [/^\.checkpoint-hub\//, 'what is staged'],
  [/-[0-9a-f]{8}(\.hub)?\.\w+$/, 'a published file'],
  [/\/best_[^/]*$/, 'a best copy'],
  [/\/(\.complete\.json|\.metadata)$/, 'the marker of a directory'],
  [/\/epoch_\d+\/./, 'a file of a directory'],
  [/\/metrics\//, 'metrics'],
  [/\.json$/, 'a control file'],
  [/\/last_checkpoint$/, 'last_checkpoint'],
]

/**
 * Names the place that calls and on what, such as `DeleteObject of deleteIfMatch in bucket/delete, a checkpoint`.
 * To be called within `send`, while the caller is still on the stack.
 */
export function callSite(operation: string, input: object): string {
  const { Key, Prefix = Key } = input as { Key?: string; Prefix?: string }
  const place = placeOfCall(operation)
  if (Prefix === undefined) return place
  const kind = KINDS.find(([pattern]) => pattern.test(Prefix))?.[1] ?? 'a checkpoint'
  return `${place}, ${kind}`
}

function placeOfCall(operation: string): string {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Error.stackTraceLimit = 12
    Error.prepareStackTrace = placeIn
    const holder: { stack?: unknown } = {}
    Error.captureStackTrace(holder, placeOfCall)
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
