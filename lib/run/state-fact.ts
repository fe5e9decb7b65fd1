/**
 * Stating a fact about a run: a small object beside all runs, which the hub reads as it reads what trainers
 * upload. Saying the same again changes nothing.
 */
import { PutObjectCommand } from '@aws-sdk/client-s3'
import type { Bucket } from '../bucket/bucket.ts'
import type { ConsentFact, PinFact } from '../hook/history.ts'
import { factKey, type Run } from '../hook/names.ts'

/** Who says what of which checkpoint. */
export type PinStatement = Pick<PinFact, 'name' | 'pinned' | 'by'>
/** Who agrees to what. */
export type ConsentStatement = Pick<ConsentFact, 'optionsVersionId' | 'evicts' | 'by'>

/**
 * Pins a checkpoint, or unpins it: a new version of one object for each checkpoint.
 *
 * @returns the key of the object
 */
export function statePin(
  bucket: Bucket,
  run: Run,
  { name, pinned, by }: PinStatement,
): Promise<string> {
  const said = pinned ? { pin: name, by } : { unpin: name, by }
  return state(bucket, factKey(run, `pin-${name}.json`), said)
}

/**
 * Agrees to the evictions of one version of the options.
 *
 * @returns the key of the object
 */
export function stateConsent(
  bucket: Bucket,
  run: Run,
  { optionsVersionId, evicts, by }: ConsentStatement,
): Promise<string> {
  const said = { apply: optionsVersionId, evicts, by }
  return state(bucket, factKey(run, `apply-${optionsVersionId}.json`), said)
}

async function state(bucket: Bucket, Key: string, said: object): Promise<string> {
  const Body = JSON.stringify(said)
  const ContentType = 'application/json'
  await bucket.s3.send(new PutObjectCommand({ Bucket: bucket.name, Key, Body, ContentType }))
  return Key
}
