// How wide a text is, and where it is broken so that it fits a box.

const FALLBACK = 'sans-serif'
let pen: CanvasRenderingContext2D | null | undefined

function family(): string {
  return getComputedStyle(document.body).fontFamily || FALLBACK
}

/** Pixels. size: of the font, in pixels. */
export function widthOf(text: string, size: number, weight = 400): number {
  pen ??= document.createElement('canvas').getContext('2d')
  if (!pen) return text.length * size * 0.6
  pen.font = `${weight} ${size}px ${family()}`
  return pen.measureText(text).width
}

const PIECES = /[\u2e80-\u9fff\uff00-\uffef]|[^\s\u2e80-\u9fff\uff00-\uffef]+|\s+/g

/** The lines of a text in a width: between words, between Chinese characters, and within a word only where it alone is too wide. */
export function broken(text: string, width: number, size: number, weight = 400): string[] {
  const lines: string[] = []
  let line = ''
  const fits = (some: string): boolean => widthOf(some, size, weight) <= width
  for (const piece of text.match(PIECES) ?? []) {
    if (fits(line + piece.trimEnd())) {
      line += piece
      continue
    }
    if (line.trim()) lines.push(line.trim())
    line = piece.trimStart()
    while (line && !fits(line)) {
      let cut = line.length - 1
      while (cut > 1 && !fits(line.slice(0, cut))) cut--
      lines.push(line.slice(0, cut))
      line = line.slice(cut)
    }
  }
  if (line.trim()) lines.push(line.trim())
  // A line must not begin with a closing mark.
  for (let place = 1; place < lines.length; place++) {
    const mark = /^[，。；：、）)」]/.exec(lines[place] ?? '')
    if (!mark) continue
    lines[place - 1] += mark[0]
    lines[place] = (lines[place] ?? '').slice(1)
  }
  return lines.filter(Boolean)
}
