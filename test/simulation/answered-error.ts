/** Errors that the models answer with. */

/**
 * Makes an error without the stack of calls: it would lead into the model, costs as much as the call itself, and
 * nobody reads it.
 */
export function answeredError<T extends Error>(make: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
