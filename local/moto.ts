/** Starts moto's server: a second S3, for what MiniStack does not do as AWS does. */
import { type Emulator, type EmulatorKind, HOST, startEmulator } from './emulator.ts'

const MOTO: EmulatorKind = {
  name: 'moto',
  python: 'moto',
  module: 'moto',
  arguments: (port) => ['-H', HOST, '-p', String(port)],
  environment: () => ({}),
  healthPath: '/moto-api/',
}

/** @throws {LocalCloudError} where it does not come up within a minute */
export function startMoto(): Promise<Emulator> {
  return startEmulator(MOTO)
}
