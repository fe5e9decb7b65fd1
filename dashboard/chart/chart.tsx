/** Curves on a canvas, by uPlot. Beside each chart its values stand in a table. */
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { readableCount, readableScore, shortStep } from '../numbers.ts'
import { colour, type Theme } from '../theme.ts'
import type { Drawn } from './points.ts'

export interface ChartLine {
  readonly label: string
  /** Name of a colour of the style sheet. */
  readonly colour: string
  readonly values: readonly Drawn[]
  /** Steps that set a record. */
  readonly records?: ReadonlySet<number>
  /** The step of the best. */
  readonly best?: number | undefined
}

const HEIGHT = 190
const FONT = '11px system-ui, sans-serif'
/** Points of so few steps are shown one by one. */
const FEW_STEPS = 40
/** Dots of so many records would hide the curve. */
const MANY_RECORDS = 60

export function Chart({
  steps,
  lines,
  label,
  theme,
  height = HEIGHT,
}: {
  steps: readonly number[]
  lines: readonly ChartLine[]
  /** What it shows, in words. */
  label: string
  theme: Theme
  height?: number
}) {
  const place = useRef<HTMLDivElement>(null)
  const readout = useRef<HTMLParagraphElement>(null)
  const plot = useRef<uPlot>(null)
  const newest = useRef(lines)
  newest.current = lines
  const data = [steps, ...lines.map(({ values }) => values)] as uPlot.AlignedData
  const look = lines.map(({ label: name, colour: tone }) => `${tone} ${name}`).join('\n')
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const options = optionsOf(element.clientWidth, height, newest, readout.current)
    const made = new uPlot(options, data, element)
    plot.current = made
    const fit = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    fit.observe(element)
    return () => {
      fit.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [theme, look, height])
  useEffect(() => {
    plot.current?.setData(data, isWhole(plot.current))
  }, [steps, lines])
  return (
    <figure class="chart">
      <div ref={place} role="img" aria-label={label} />
      <p ref={readout} class="readout" aria-hidden="true" />
    </figure>
  )
}

/** Whether nobody has zoomed in. */
function isWhole({ scales, data: [steps] }: uPlot): boolean {
  const { min, max } = scales['x'] ?? {}
  return min === steps[0] && max === steps.at(-1)
}

function optionsOf(
  width: number,
  height: number,
  lines: { readonly current: readonly ChartLine[] },
  readout: HTMLElement | null,
): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: colour('muted'),
    font: FONT,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width,
    height,
    legend: { show: false },
    padding: [10, 12, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { setScale: true, x: true, y: false } },
    scales: { x: { time: false } },
    axes: [
      { ...axis, size: 24, gap: 4, incrs: WHOLE_STEPS, values: (_, ticks) => ticks.map(shortStep) },
      { ...axis, size: widthOf, gap: 4, values: (_, ticks) => ticks.map(readableScore) },
    ],
    series: [
      {},
      ...lines.current.map(({ label, colour: tone }) => ({
        label,
        stroke: colour(tone),
        width: 1.5,
        points: {
          show: (plot: uPlot) => (plot.data[0].length <= FEW_STEPS ? true : undefined) as boolean,
          size: 4,
        },
      })),
    ],
    hooks: {
      draw: [(plot) => drawMarks(plot, lines.current)],
      setCursor: [(plot) => read(plot, lines.current, readout)],
    },
  }
}

/** A step is a whole number. */
const WHOLE_STEPS = [1, 2, 5]
  .flatMap((each) => Array.from({ length: 15 }, (_, power) => each * 10 ** power))
  .toSorted((a, b) => a - b)

/** As wide as the longest number. */
function widthOf(plot: uPlot, values: string[] | null): number {
  const longest = (values ?? []).reduce(
    (most, each) => (each.length > most.length ? each : most),
    '',
  )
  plot.ctx.font = FONT
  return Math.ceil(plot.ctx.measureText(longest).width) + 12
}

/** Records as dots, the best as a ring around one: told apart by shape, not by colour alone. */
function drawMarks(plot: uPlot, lines: readonly ChartLine[]): void {
  const { ctx } = plot
  const scale = devicePixelRatio
  const [steps] = plot.data
  ctx.save()
  for (const { values, colour: tone, records, best } of lines) {
    const radius = (records?.size ?? 0) > MANY_RECORDS ? 1.5 : 3
    for (const [at, step] of steps.entries()) {
      const value = values[at]
      const isBest = step === best
      if (value === null || value === undefined || !(isBest || records?.has(step))) continue
      const x = plot.valToPos(step, 'x', true)
      const y = plot.valToPos(value, 'y', true)
      if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue
      ctx.beginPath()
      ctx.arc(x, y, (isBest ? 3 : radius) * scale, 0, 2 * Math.PI)
      ctx.fillStyle = colour(tone)
      ctx.fill()
      if (!isBest) continue
      ctx.beginPath()
      ctx.arc(x, y, 6.5 * scale, 0, 2 * Math.PI)
      ctx.lineWidth = 2 * scale
      ctx.strokeStyle = colour('text')
      ctx.stroke()
    }
  }
  ctx.restore()
}

/** What is under the pointer. */
function read(plot: uPlot, lines: readonly ChartLine[], readout: HTMLElement | null): void {
  if (readout === null) return
  const at = plot.cursor.idx
  const step = at === null || at === undefined ? undefined : plot.data[0][at]
  if (at === null || at === undefined || step === undefined) {
    readout.textContent = ''
    return
  }
  const values = lines.flatMap(({ label, values: line }) => {
    const value = line[at]
    if (value === null || value === undefined) return []
    return [lines.length === 1 ? readableScore(value) : `${label} ${readableScore(value)}`]
  })
  readout.textContent = `${readableCount(step)}: ${values.join(' · ') || 'nothing'}`
}
