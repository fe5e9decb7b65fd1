/** The files of the dashboard's page: bundled from its sources in a clone, ready in a package. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export interface PageFile {
  readonly type: string
  readonly body: Uint8Array
}

/** By the path under which a browser asks for them. */
export type PageFiles = ReadonlyMap<string, PageFile>

const TYPES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/main.js': ['main.js', 'text/javascript; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
} as const

/** In a package, this file is part of a bundle, beside which `npm run build:cli` puts the page. */
const IS_SOURCE = import.meta.url.endsWith('.ts')
const SOURCES = new URL('../../dashboard/', import.meta.url)
const BUILT = new URL('./dashboard/', import.meta.url)

export async function pageFiles(): Promise<PageFiles> {
  const bundled = IS_SOURCE ? await bundle() : new Map<string, Uint8Array>()
  const folder = IS_SOURCE ? SOURCES : BUILT
  const files = Object.entries(TYPES).map(async ([path, [name, type]]) => {
    const body = bundled.get(name) ?? (await readFile(new URL(name, folder)))
    return [path, { type, body }] as const
  })
  return new Map(await Promise.all(files))
}

/** As `npm run build:cli` does, without a file. */
async function bundle(): Promise<Map<string, Uint8Array>> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: ['main.tsx', 'style.css'].map((name) => fileURLToPath(new URL(name, SOURCES))),
    bundle: true,
    minify: true,
    format: 'esm',
    outdir: '/',
    write: false,
    logLevel: 'warning',
  })
  return new Map(outputFiles.map(({ path, contents }) => [path.replace(/^.*[/\\]/, ''), contents]))
}
