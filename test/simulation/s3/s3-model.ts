/**
 * S3 in memory, as far as the hub uses it, by AWS's documentation: one versioned bucket. A call is applied as a
 * whole, at one moment.
 */
import { s3Error } from './errors.ts'
import { listObjects, listVersions } from './listing.ts'
import * as multipart from './multipart.ts'
import * as objects from './objects.ts'
import type { Shelf, Upload } from './shelf.ts'
import { type Change, type StoredObject, Versions, type Writer } from './versions.ts'

/** What of S3's freedom a bucket takes. */
export interface Freedom {
  readonly pageRows: number
  readonly computesHashes: boolean
}

const OPERATIONS: Record<string, (shelf: Shelf, input: never) => object> = {
  PutObject: objects.putObject,
  GetObject: objects.getObject,
  HeadObject: objects.headObject,
  DeleteObject: objects.deleteObject,
  CopyObject: objects.copyObject,
  ListObjectVersions: listVersions,
  ListObjectsV2: listObjects,
  CreateMultipartUpload: multipart.createUpload,
  UploadPart: multipart.uploadPart,
  UploadPartCopy: multipart.uploadPartCopy,
  CompleteMultipartUpload: multipart.completeUpload,
  AbortMultipartUpload: multipart.abortUpload,
  ListParts: multipart.listParts,
  ListMultipartUploads: multipart.listUploads,
  GetBucketVersioning: () => ({ $metadata: { httpStatusCode: 200 }, Status: 'Enabled' }),
}

export class S3Model {
  readonly versions: Versions
  readonly uploads = new Map<string, Upload>()
  readonly bucketName: string
  readonly #now: () => number
  readonly #freedom: Freedom
  #begun = 0

  /** @param now in milliseconds since 1970 */
  constructor(bucketName: string, now: () => number, freedom: Freedom, onChange?: Change) {
    this.bucketName = bucketName
    this.#now = now
    this.#freedom = freedom
    this.versions = new Versions(onChange)
  }

  /**
   * Applies a call.
   *
   * @throws as the SDK's client does where S3 refuses
   */
  apply(name: string, input: object, by: Writer): object {
    const operation = OPERATIONS[name]
    if (operation === undefined) throw new TypeError(`the model of S3 has no ${name}`)
    if (!('Bucket' in input) || input.Bucket !== this.bucketName) throw s3Error('NoSuchBucket', 404)
    return operation(this.#shelf(by), input as never)
  }

  #shelf(by: Writer): Shelf {
    const { bucketName, versions, uploads } = this
    const nowMs = this.#now()
    return {
      bucketName,
      versions,
      uploads,
      by,
      nowMs,
      ...this.#freedom,
      add: (key: string, object: StoredObject | undefined) => versions.add(key, nowMs, by, object),
      newUploadId: () => {
        this.#begun += 1
        return `upload-${String(this.#begun).padStart(6, '0')}`
      },
    }
  }
}
