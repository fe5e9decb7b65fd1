/** One local cloud with the deployed stack for all end-to-end tests. */
import type { TestProject } from 'vitest/node'
import { type ClientConfig, type StackOutputs, startLocalCloud } from '../../local/cloud.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    stack: {
      clientConfig: ClientConfig
      outputs: StackOutputs
      queryUrl: string
      /** Of the emulator and its functions. */
      logFile: string
    }
  }
}

/** Another bucket, which `out_dir` may name. */
export const OUT_BUCKET = 'given-to-the-stack'

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const cloud = await startLocalCloud()
  try {
    const outputs = await cloud.deploy({ context: { outBuckets: OUT_BUCKET } })
    const { clientConfig, logFile } = cloud
    provide('stack', { clientConfig, outputs, queryUrl: cloud.queryUrl(outputs), logFile })
  } catch (error) {
    await cloud.stop()
    throw error
  }
  return () => cloud.stop()
}
