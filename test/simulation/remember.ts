/**
 * Has pure functions of `lib` keep their answers, in whatever is imported after this. The functions stay as they
 * are; what calls them by name calls what keeps their answers.
 */
import { registerHooks } from 'node:module'

const LIB = new URL('../../lib/', import.meta.url).href
const REMEMBERED = new URL('remembered.ts', import.meta.url).href

/** By file below `lib`, each with how its answers are told apart. */
const KEPT: Record<string, Record<string, string>> = {
  'hook/names.ts': { meaningOf: 'byTexts', stepIn: 'byTexts' },
  'hook/fold.ts': { fold: 'byFacts' },
  'message-hub/message-hub.ts': { entryOf: 'byLast', entriesFrom: 'byList' },
  'message-hub/reading.ts': {
    parsed: 'byLast',
    ledgerOf: 'byLast',
    stepFactsOf: 'byLast',
    checkpointStateOf: 'byLast',
    optionsFactOf: 'byLast',
    beginFactOf: 'byLast',
    endFactOf: 'byLast',
    pinFactOf: 'byLast',
    consentFactOf: 'byLast',
  },
}

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    const [path = ''] = url.split('?')
    const kept = path.startsWith(LIB) ? KEPT[path.slice(LIB.length)] : undefined
    if (kept === undefined) return loaded
    return { ...loaded, source: keeping(path, kept, String(loaded.source)) }
  },
})

function keeping(path: string, kept: Record<string, string>, source: string): string {
  let text = source
  for (const [name, way] of Object.entries(kept)) {
    const declaration = new RegExp(`^(export )?function ${name}\\b`, 'gm')
    const [found, ...others] = text.matchAll(declaration)
    if (found === undefined || others.length > 0) {
      throw new Error(`expected one function ${name} in ${path}`)
    }
    text = text.replace(declaration, `function ${name}Afresh`)
    text += `\n${found[1] ?? ''}const ${name} = ${way}(${name}Afresh)\n`
  }
  return `${text}import { ${[...new Set(Object.values(kept))].join(', ')} } from '${REMEMBERED}'\n`
}
