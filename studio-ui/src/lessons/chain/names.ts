// What the thirteen weights of the tiny net are called, and where they stand in it.

export const INPUTS = 2
export const HIDDEN = 3
export const START = {
  inputs: [1, -0.5] as [number, number],
  target: 0.8,
  weights: [0.6, -0.8, -0.5, 0.9, 1.2, 0.4, 0.1, -0.2, 0, 0.9, -0.7, 0.5, 0.1],
  chosen: 0,
  rate: 0.2,
}

const DIGITS = '₀₁₂₃₄₅₆₇₈₉'
export const sub = (number: number): string => [...String(number)].map((digit) => DIGITS[Number(digit)]).join('')

const BIASES = HIDDEN * INPUTS
const OUT = BIASES + HIDDEN

export type Place =
  | { kind: 'hidden'; unit: number; input: number }
  | { kind: 'bias'; unit: number }
  | { kind: 'output'; unit: number }
  | { kind: 'last' }

export function placeOf(index: number): Place {
  if (index < BIASES) return { kind: 'hidden', unit: Math.floor(index / INPUTS), input: index % INPUTS }
  if (index < OUT) return { kind: 'bias', unit: index - BIASES }
  return index < OUT + HIDDEN ? { kind: 'output', unit: index - OUT } : { kind: 'last' }
}

export function nameOf(index: number): string {
  const place = placeOf(index)
  if (place.kind === 'hidden') return `w${sub(place.unit + 1)}${sub(place.input + 1)}`
  if (place.kind === 'bias') return `b${sub(place.unit + 1)}`
  return place.kind === 'output' ? `v${sub(place.unit + 1)}` : 'c'
}

export const hiddenWeight = (unit: number, input: number): number => unit * INPUTS + input
export const biasOf = (unit: number): number => BIASES + unit
export const outputWeight = (unit: number): number => OUT + unit
export const LAST = OUT + HIDDEN

/** "h1" of the server as h₁; "w" is the chosen weight. */
export const symbol = (told: string, chosen: number): string =>
  told === 'w' ? nameOf(chosen) : told.replace(/\d/g, (digit) => sub(Number(digit)))

/** Steps: inputs, hidden units, output, loss; then slopes of the output, the hidden units, their sums, the weights. */
export const FORWARD = 3
export const BACKWARD = 7
