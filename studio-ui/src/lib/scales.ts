// From numbers to places on the screen, and the ticks between.

export interface Scale {
  (value: number): number
  domain: readonly [number, number]
  range: readonly [number, number]
  log: boolean
}

export function scale(domain: readonly [number, number], range: readonly [number, number], log = false): Scale {
  const bend = log ? Math.log10 : (value: number) => value
  const [low, high] = [bend(domain[0]), bend(domain[1])]
  const width = high - low || 1
  const made = (value: number): number => range[0] + ((bend(value) - low) / width) * (range[1] - range[0])
  return Object.assign(made, { domain, range, log })
}

/** About `count` round numbers within the domain; powers of ten on a logarithmic one. */
export function ticks(domain: readonly [number, number], count: number, log = false): number[] {
  const [low, high] = domain
  if (log) {
    const first = Math.ceil(Math.log10(low) - 1e-9)
    const last = Math.floor(Math.log10(high) + 1e-9)
    const stride = Math.max(1, Math.ceil((last - first + 1) / count))
    const found: number[] = []
    for (let power = first; power <= last; power += stride) found.push(10 ** power)
    return found
  }
  const rough = (high - low) / Math.max(count, 1) || 1
  const unit = 10 ** Math.floor(Math.log10(rough))
  const stride = unit * ([1, 2, 5, 10].find((each) => each * unit >= rough * 0.999) ?? 10)
  const found: number[] = []
  for (let number = Math.ceil(low / stride - 1e-9); number * stride <= high + stride * 1e-9; number++)
    found.push(Number((number * stride).toPrecision(12)))
  return found
}

/** Numbers along an axis, all with as many places as they need. */
export function tickTexts(values: readonly number[], log = false): string[] {
  if (log)
    return values.map((value) => {
      const power = Math.round(Math.log10(value))
      return power >= -3 && power <= 3 ? String(Number(value.toPrecision(1))) : `1e${power}`.replace('-', '−')
    })
  const places = Math.max(0, ...values.map((value) => (String(value).split('.')[1] ?? '').length))
  return values.map((value) => value.toFixed(Math.min(places, 6)).replace('-', '−'))
}

/** An SVG path through points; it is interrupted where one is not finite. */
export function path(points: readonly (readonly [number, number])[]): string {
  let text = ''
  let down = false
  for (const [x, y] of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      down = false
      continue
    }
    text += `${down ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
    down = true
  }
  return text
}

/** Smallest and largest finite value with a little room, at least `least` apart. */
export function extent(values: readonly number[], least = 1e-9, room = 0.06): [number, number] {
  const finite = values.filter(Number.isFinite)
  let [low, high] = finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 1]
  if (high - low < least) [low, high] = [(low + high - least) / 2, (low + high + least) / 2]
  const more = (high - low) * room
  return [low - more, high + more]
}
