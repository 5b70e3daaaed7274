// Numbers for people: a true minus sign, few digits, the same width while they change.

const GROUPED = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
export const NONE = '–'

const minus = (text: string): string => text.replaceAll('-', '−')

/** A whole number with groups of three. */
export const whole = (value: number | null | undefined): string =>
  value === null || value === undefined ? NONE : minus(GROUPED.format(value))

/** About `digits` significant digits; very large and very small ones as 6.0e−7. */
export function short(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined) return NONE
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞'
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size < 1e-3 || size >= 1e6) return minus(value.toExponential(Math.max(digits - 2, 0))).replace('e+', 'e')
  const places = Math.min(Math.max(digits - 1 - Math.floor(Math.log10(size)), 0), 6)
  return minus(value.toFixed(places))
}

/** As a rate is written in a recipe: 0.15, 0.001, 6e−7. */
export function plain(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE
  const rounded = Number(value.toPrecision(3))
  if (rounded !== 0 && Math.abs(rounded) < 1e-3) return minus(rounded.toExponential()).replace('e+', 'e')
  return minus(String(rounded))
}

/** With a fixed number of places, for what stands in columns or moves under a slider. */
export const fixed = (value: number, places = 2): string => {
  const text = value.toFixed(places)
  return minus(Number(text) === 0 ? text.replace('-', '') : text)
}

export const percent = (share: number | null | undefined, places = 0): string =>
  share === null || share === undefined ? NONE : `${fixed(share * 100, places)} %`
