/**
 * The plan of the claims: a folder that `out_dir` leads to belongs to the one run that claimed it first.
 *
 * Claims what any options of the run ever named, so that the claims are the same in whatever order those
 * were found.
 */
import type { Draft } from './draft.ts'
import type { Outcome } from './fold.ts'

/** Plans a claim on each folder that the run may use and has not asked for. */
export function planClaims(draft: Draft, { survey, endings }: Outcome): void {
  const outDirs = [
    ...survey.policy.stages.map(({ options }) => options.outDir),
    ...endings.flatMap(({ publications }) => publications.map(({ outDir }) => outDir)),
  ]
  for (const outDir of outDirs) {
    const { folder, isReady } = draft.destinationOf(outDir)
    const isAsked = draft.effects.some(
      ({ action }) => action.kind === 'claim' && action.folder === folder,
    )
    if (!isReady && !isAsked && draft.hasRoom()) draft.add({ kind: 'claim', folder })
  }
}
