#!/usr/bin/env node
/**
 * The way into `ckpt`, in syntax that every Node reads: runs the source where there is one, the bundle of
 * `npm run build:cli` in a packed package, and either with Node 24, whichever Node this is.
 *
 * Node strips types from the repository's own files and never below `node_modules`: hence the bundle.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const NEEDED_NODE = 24
const FAILED = 1

const source = new URL('./main.ts', import.meta.url)
const bundle = new URL('../dist/ckpt.mjs', import.meta.url)

if (Number.parseInt(process.versions.node, 10) >= NEEDED_NODE) {
  // Compiling the modules is most of the time that a short command takes.
  module.enableCompileCache()
  await import((existsSync(source) ? source : bundle).href)
} else {
  const node = pinnedNode()
  if (node === undefined) {
    console.error(`ckpt needs Node ${NEEDED_NODE} or newer, and this is ${process.versions.node}.`)
    process.exitCode = FAILED
  } else handOver(node)
}

/** The Node that npm installed beside this package, on Linux for x64 and arm64. */
function pinnedNode() {
  try {
    const require = module.createRequire(import.meta.url)
    return require.resolve(`node-${process.platform}-${process.arch}/bin/node`)
  } catch {
    return undefined
  }
}

/** Runs the same command line with another Node, and ends as that one does. */
function handOver(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  // Ctrl-C reaches both by the terminal; a signal to this process alone has to be passed on.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`${node}: ${error.message}`)
    process.exitCode = FAILED
  })
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? FAILED) : 128 + constants.signals[signal]
  })
}
