/** Calls to S3 at once: a file of a directory is a call, and there may be thousands. */
export const CALLS_AT_ONCE = 50

/**
 * Does something with each of many items, some of them at a time. After a failure no more are begun.
 *
 * @returns what came of each, in the order of the items
 * @throws the first failure, once those that were under way are done
 */
export async function forEachAtOnce<Item, Outcome>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Outcome>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const failures: unknown[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length && failures.length === 0) {
      const at = next++
      try {
        outcomes[at] = await work(items[at] as Item)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
  return outcomes
}
