/** The figures as a picture: bytes through the function and time, by size of the checkpoint. */
import { writeFile } from 'node:fs/promises'
import { bytes, type Row } from './report.ts'

const PATH = 'docs/publish.svg'
const COLOURS: Record<string, string> = { MMEngine: '#b45309', plain: '#6b7280', hub: '#0f766e' }
const PANEL = { width: 360, height: 220, left: 60, top: 50, gap: 40 }

interface Measure {
  title: string
  of: (row: Row) => number
  shown: (value: number) => string
}

const MEASURES: Measure[] = [
  {
    title: 'bytes read and sent by the function, hashing apart',
    of: ({ figures }) => figures.readBytes + figures.sentBytes,
    shown: bytes,
  },
  { title: 'seconds', of: ({ figures }) => figures.seconds, shown: (value) => value.toFixed(1) },
]

/** Writes the picture of the language model's checkpoints in the newer order. */
export async function drawing(rows: readonly Row[]): Promise<void> {
  const shown = rows.filter(({ shape, order }) => shape === 'language-model' && order === 'newer')
  const panels = MEASURES.map((measure, at) => panel(measure, shown, at))
  const width = MEASURES.length * (PANEL.width + PANEL.left + PANEL.gap)
  const height = PANEL.top + PANEL.height + 60
  await writeFile(
    PATH,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img" aria-label="Publishing a language model's checkpoint: bytes through the function and seconds, by engine and size">
<rect width="100%" height="100%" fill="#fff"/>
${panels.join('\n')}
${legend()}
</svg>
`,
  )
}

function panel({ title, of, shown }: Measure, rows: readonly Row[], at: number): string {
  const left = PANEL.left + at * (PANEL.width + PANEL.left + PANEL.gap)
  const bottom = PANEL.top + PANEL.height
  const values = rows.map(of)
  const [low, high] = [Math.log10(Math.min(...values)) - 0.3, Math.log10(Math.max(...values))]
  const sizes = [...new Set(rows.map(({ size }) => size))]
  const engines = Object.keys(COLOURS)
  const slot = PANEL.width / Math.max(1, sizes.length)
  const bar = (slot - 24) / engines.length
  const bars = rows.map((row) => {
    const height = ((Math.log10(of(row)) - low) / (high - low || 1)) * PANEL.height
    const x = left + sizes.indexOf(row.size) * slot + 12 + engines.indexOf(row.engine) * bar
    const y = bottom - height
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(bar - 2).toFixed(1)}" height="${height.toFixed(1)}" fill="${COLOURS[row.engine] ?? '#000'}"/>
<text x="${(x + bar / 2).toFixed(1)}" y="${(y - 4).toFixed(1)}" text-anchor="middle" font-size="9" fill="#111">${shown(of(row))}</text>`
  })
  const labels = sizes.map(
    (size, place) =>
      `<text x="${(left + (place + 0.5) * slot).toFixed(1)}" y="${bottom + 16}" text-anchor="middle" fill="#111">${bytes(size)}</text>`,
  )
  return `<text x="${left}" y="24" font-weight="bold" fill="#111">${title} (logarithmic)</text>
<line x1="${left}" y1="${bottom}" x2="${left + PANEL.width}" y2="${bottom}" stroke="#111"/>
${[...bars, ...labels].join('\n')}`
}

function legend(): string {
  const y = PANEL.top + PANEL.height + 40
  return Object.entries(COLOURS)
    .map(
      ([engine, colour], at) =>
        `<rect x="${PANEL.left + at * 110}" y="${y - 10}" width="12" height="12" fill="${colour}"/>
<text x="${PANEL.left + at * 110 + 18}" y="${y}" fill="#111">${engine}</text>`,
    )
    .join('\n')
}
