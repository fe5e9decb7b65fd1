/** The order of texts by their UTF-8 bytes, as AWS has it. */
const SURROGATE = /[\ud800-\udfff]/

/** DynamoDB and S3 compare texts by their UTF-8 bytes. */
export function byUtf8(a: string, b: string): number {
  if (a === b) return 0
  // Code units sort as UTF-8 does where there are no surrogates.
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
