/** Starts MiniStack: the local cloud's emulator. */
import { join } from 'node:path'
import { type Emulator, type EmulatorKind, HOST, startEmulator } from './emulator.ts'
import { REGION } from './environment.ts'

const MINISTACK: EmulatorKind = {
  name: 'MiniStack',
  python: 'local-cloud',
  module: 'ministack',
  arguments: () => [],
  environment: (port, folder) => ({
    GATEWAY_PORT: String(port),
    // By default it would listen on every interface, and name itself `localhost`.
    BIND_HOST: HOST,
    MINISTACK_HOST: HOST,
    MINISTACK_REGION: REGION,
    // Listeners for services that the hub does not use.
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    // It would remove containers of its own on start: there is no Docker for it.
    DOCKER_HOST: `unix://${join(folder, 'no-docker.sock')}`,
    PERSIST_STATE: '0',
    STATE_DIR: join(folder, 'state'),
    S3_DATA_DIR: join(folder, 's3'),
  }),
  healthPath: '/_localstack/health',
}

/** @throws {LocalCloudError} where it does not come up within a minute */
export function startMiniStack(): Promise<Emulator> {
  return startEmulator(MINISTACK)
}
