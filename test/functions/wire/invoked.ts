/** Runs one bundled function: messages come by the channel from whoever started this, and its answer goes back. */
const TIMEOUT_MS = 120_000

type Handler = (
  event: { Records: unknown },
  context: { getRemainingTimeInMillis: () => number },
) => Promise<object>

const { handler } = (await import(process.argv[2] ?? '')) as { handler: Handler }

process.on('message', async (Records) => {
  const deadline = Date.now() + TIMEOUT_MS
  try {
    const context = { getRemainingTimeInMillis: () => deadline - Date.now() }
    process.send?.(await handler({ Records }, context))
  } catch (error) {
    process.send?.({ error: String(error) })
  }
})
