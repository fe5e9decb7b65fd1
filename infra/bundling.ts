/** How a function becomes one file: for the stack, and for whoever tries or measures a function without it. */
import type { BuildOptions } from 'esbuild'

// Bundled CommonJS dependencies call `require` for Node's own modules; an ES module has none.
export const REQUIRE =
  "import{createRequire as createRequireOfBundle}from'node:module';const require=createRequireOfBundle(import.meta.url);"

/** What the CDK and esbuild call by the same names. */
export const SMALL_AND_NAMED = {
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  // Errors are told by the names of their classes.
  keepNames: true,
}

/** The same bundle by esbuild itself; the entry and the outfile are still to be said. */
export const BUNDLED = {
  ...SMALL_AND_NAMED,
  bundle: true,
  platform: 'node',
  format: 'esm',
  banner: { js: REQUIRE },
} as const satisfies BuildOptions
