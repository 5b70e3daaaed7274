// From a grid to pixels.

import { broken, widthOf } from '../lib/measure'
import type { Box, Drawing, Frame, Link, Side } from './drawing'

export const TITLE = 13.5
export const TEXT = 12.5
const PAD = { x: 10, y: 9 }
const LINE = { title: 18, text: 17 }
const AROUND = 12 // of a frame
const HEAD = 24 // of a frame's title

export interface Rect {
  x: number
  y: number
  width: number
  height: number
}

export interface PlacedBox extends Rect {
  box: Box
  titles: string[]
  figures: string[]
  flat: boolean
  /** Baselines. */
  titleAt: number[]
  figureAt: number[]
}

export interface PlacedFrame extends Rect {
  frame: Frame
}

export interface PlacedLink {
  link: Link
  path: string
  head: string
  labels: { text: string; x: number; y: number; anchor: 'middle' | 'start' | 'end' }[]
}

export interface Placed {
  width: number
  height: number
  boxes: PlacedBox[]
  frames: PlacedFrame[]
  links: PlacedLink[]
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

export function place(drawing: Drawing, width: number): Placed {
  const frames = drawing.frames ?? []
  const last = drawing.columns - 1
  const left = frames.some((frame) => frame.from[0] === 0) ? AROUND + 1 : 1
  const right = frames.some((frame) => frame.to[0] === last) ? AROUND + 1 : 1
  const gaps = Array.isArray(drawing.gaps) ? drawing.gaps : Array<number>(last).fill(drawing.gaps)
  const column = (width - left - right - sum(gaps)) / drawing.columns
  const xOf = (index: number): number => left + index * column + sum(gaps.slice(0, index))

  const measured = drawing.boxes.map((box) => {
    const across = box.span?.[0] ?? 1
    const wide = xOf(box.at[0] + across - 1) + column - xOf(box.at[0])
    const inner = wide - 2 * PAD.x
    const titles = broken(box.title, inner, TITLE, 600)
    const figures = (box.figures ?? []).flatMap((text) => broken(text, inner, TEXT))
    const flat =
      Boolean(box.flat) &&
      widthOf(box.title, TITLE, 600) + widthOf((box.figures ?? []).join(' '), TEXT) + 2 * PAD.x + 12 <= wide
    const meter = box.meter === undefined ? 0 : 9
    const tall = 2 * PAD.y + titles.length * LINE.title + (flat ? 0 : figures.length * LINE.text) + meter
    return { box, wide, titles, figures, flat, tall }
  })

  const rows = Math.max(...drawing.boxes.map((box) => box.at[1] + (box.span?.[1] ?? 1)))
  const heights = Array<number>(rows).fill(0)
  for (const { box, tall } of measured)
    if ((box.span?.[1] ?? 1) === 1) heights[box.at[1]] = Math.max(heights[box.at[1]] ?? 0, tall)
  const yOf: number[] = []
  let y = 1
  for (let row = 0; row < rows; row++) {
    if (frames.some((frame) => frame.from[1] === row)) y += AROUND + (frames.some((f) => f.from[1] === row && !f.foot) ? HEAD : 0)
    yOf.push(y)
    y += heights[row] ?? 0
    if (frames.some((frame) => frame.to[1] === row)) y += AROUND + (frames.some((f) => f.to[1] === row && f.foot) ? HEAD : 0)
    if (row < rows - 1) y += drawing.rise
  }
  const height = y + 1

  const boxes = measured.map(({ box, wide, titles, figures, flat, tall }): PlacedBox => {
    const down = box.span?.[1] ?? 1
    const top = yOf[box.at[1]] ?? 0
    const bottom = (yOf[box.at[1] + down - 1] ?? 0) + (heights[box.at[1] + down - 1] ?? 0)
    const high = bottom - top
    const start = top + (high - tall) / 2 + PAD.y
    const titleAt = titles.map((_, index) => start + 13.5 + index * LINE.title)
    const below = start + titles.length * LINE.title + 13
    const figureAt = figures.map((_, index) => (flat ? (titleAt[0] ?? 0) : below + index * LINE.text))
    return { box, x: xOf(box.at[0]), y: top, width: wide, height: high, titles, figures, flat, titleAt, figureAt }
  })

  const placedFrames = frames.map((frame): PlacedFrame => {
    const x = xOf(frame.from[0]) - AROUND
    const top = (yOf[frame.from[1]] ?? 0) - AROUND - (frame.foot ? 0 : HEAD)
    const bottom = (yOf[frame.to[1]] ?? 0) + (heights[frame.to[1]] ?? 0) + AROUND + (frame.foot ? HEAD : 0)
    return { frame, x, y: top, width: xOf(frame.to[0]) + column + AROUND - x, height: bottom - top }
  })

  const known = new Map<string, Rect>([
    ...boxes.map((each): [string, Rect] => [each.box.id, each]),
    ...placedFrames.map((each): [string, Rect] => [each.frame.id, each]),
  ])
  const links = drawing.links.flatMap((link) => {
    const [from, to] = [known.get(link.from), known.get(link.to)]
    return from && to ? [routed(link, from, to)] : []
  })
  return { width, height, boxes, frames: placedFrames, links }
}

type Point = [number, number]

function port(rect: Rect, side: Side, inset?: number): Point {
  if (level(side)) return [side === 'left' ? rect.x : rect.x + rect.width, rect.y + (inset ?? rect.height / 2)]
  return [rect.x + (inset ?? rect.width / 2), side === 'top' ? rect.y : rect.y + rect.height]
}

const level = (side: Side): boolean => side === 'left' || side === 'right'
const HEAD_SIZE = 7

function routed(link: Link, from: Rect, to: Rect): PlacedLink {
  const start = port(from, link.out, link.inset)
  const end = port(to, link.into)
  // A short way to a large thing, or from one, goes straight.
  if (level(link.out) && level(link.into)) {
    if (to.height > from.height && start[1] > to.y && start[1] < to.y + to.height && link.out !== link.into) end[1] = start[1]
  } else if (!level(link.out) && !level(link.into)) {
    if (to.width > from.width && start[0] > to.x && start[0] < to.x + to.width) end[0] = start[0]
    else if (from.width > to.width && end[0] > from.x && end[0] < from.x + from.width) start[0] = end[0]
  }
  const points = corners(start, end, link)
  return { link, path: rounded(shortened(points)), head: arrow(points), labels: labels(points, link) }
}

function corners(start: Point, end: Point, link: Link): Point[] {
  const bend = link.bend ?? 0.5
  if (level(link.out) && level(link.into)) {
    if (link.out === link.into) {
      const x = link.out === 'left' ? Math.min(start[0], end[0]) - bend : Math.max(start[0], end[0]) + bend
      return [start, [x, start[1]], [x, end[1]], end]
    }
    if (Math.abs(start[1] - end[1]) < 1) return [start, [end[0], start[1]]]
    const x = start[0] + (end[0] - start[0]) * bend
    return [start, [x, start[1]], [x, end[1]], end]
  }
  if (!level(link.out) && !level(link.into)) {
    if (link.out === link.into) {
      const y = link.out === 'top' ? Math.min(start[1], end[1]) - bend : Math.max(start[1], end[1]) + bend
      return [start, [start[0], y], [end[0], y], end]
    }
    if (Math.abs(start[0] - end[0]) < 1) return [start, [start[0], end[1]]]
    const y = start[1] + (end[1] - start[1]) * bend
    return [start, [start[0], y], [end[0], y], end]
  }
  return level(link.out) ? [start, [end[0], start[1]], end] : [start, [start[0], end[1]], end]
}

function shortened(points: Point[]): Point[] {
  const end = points.at(-1) as Point
  const before = points.at(-2) as Point
  const length = Math.hypot(end[0] - before[0], end[1] - before[1]) || 1
  const share = Math.max(0, (length - HEAD_SIZE + 1) / length)
  return [...points.slice(0, -1), [before[0] + (end[0] - before[0]) * share, before[1] + (end[1] - before[1]) * share]]
}

function rounded(points: Point[], radius = 9): string {
  const [first, ...rest] = points as [Point, ...Point[]]
  let text = `M${first[0]} ${first[1]}`
  for (const [index, point] of rest.entries()) {
    const next = rest[index + 1]
    const before = points[index] as Point
    if (!next) {
      text += `L${point[0]} ${point[1]}`
      continue
    }
    const into = Math.hypot(point[0] - before[0], point[1] - before[1]) || 1
    const out = Math.hypot(next[0] - point[0], next[1] - point[1]) || 1
    const r = Math.min(radius, into / 2, out / 2)
    text += `L${point[0] + ((before[0] - point[0]) / into) * r} ${point[1] + ((before[1] - point[1]) / into) * r}`
    text += `Q${point[0]} ${point[1]} ${point[0] + ((next[0] - point[0]) / out) * r} ${point[1] + ((next[1] - point[1]) / out) * r}`
  }
  return text
}

function arrow(points: Point[]): string {
  const end = points.at(-1) as Point
  const before = points.at(-2) as Point
  const length = Math.hypot(end[0] - before[0], end[1] - before[1]) || 1
  const [dx, dy] = [(end[0] - before[0]) / length, (end[1] - before[1]) / length]
  const [bx, by] = [end[0] - dx * HEAD_SIZE, end[1] - dy * HEAD_SIZE]
  const half = HEAD_SIZE * 0.52
  return `${end[0]},${end[1]} ${bx - dy * half},${by + dx * half} ${bx + dy * half},${by - dx * half}`
}

/** Beside the longest straight piece, or the last one. */
function labels(points: Point[], link: Link): PlacedLink['labels'] {
  if (!link.label?.length) return []
  let [a, b] = (link.late ? points.slice(-2) : points) as [Point, Point]
  for (let index = 1; index < points.length - 1; index++) {
    const [c, d] = [points[index] as Point, points[index + 1] as Point]
    if (!link.late && Math.hypot(d[0] - c[0], d[1] - c[1]) > Math.hypot(b[0] - a[0], b[1] - a[1])) [a, b] = [c, d]
  }
  const [x, y] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
  if (Math.abs(a[1] - b[1]) < 1)
    return link.label.map((text, index) => ({ text, x, y: index === 0 ? y - 7 : y + 4 + 13 * index, anchor: 'middle' }))
  const many = link.label.length
  return link.label.map((text, index) => ({ text, x: x + 8, y: y + 4 + (index - (many - 1) / 2) * 15, anchor: 'start' }))
}
