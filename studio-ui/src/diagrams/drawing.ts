// A diagram as data: boxes and frames in a grid, and the links between them.

export type Side = 'left' | 'right' | 'top' | 'bottom'

export interface Box {
  id: string
  /** Column and row, from 0; the second pair: how many of them it covers. */
  at: [number, number]
  span?: [number, number]
  title: string
  /** Real numbers, the most important first. */
  figures?: string[]
  /** Not in use in this training. */
  off?: boolean
  /** The lesson that it leads to. */
  href?: string
  /** A share from 0 to 1, drawn as a bar. */
  meter?: number
  /** Title and first figure in one line, where there is room. */
  flat?: boolean
  tone?: 'data' | 'forward' | 'backward' | 'end'
}

export interface Frame {
  id: string
  title: string
  from: [number, number]
  to: [number, number]
  /** Where the title stands. */
  foot?: boolean
}

export interface Link {
  from: string
  to: string
  out: Side
  into: Side
  kind?: 'forward' | 'backward' | 'aid'
  /** Beside the line: the first above or right of it, the second below. */
  label?: string[]
  /** The label stands where the link arrives. */
  late?: boolean
  /** Where it turns, as a share of the way; pixels outside where it leaves and arrives on the same side. */
  bend?: number
  /** Pixels along the side that it leaves, from its beginning; else it leaves in the middle. */
  inset?: number
}

export interface Drawing {
  columns: number
  /** Pixels between columns (one number, or each) and rows. */
  gaps: number | number[]
  rise: number
  boxes: Box[]
  frames?: Frame[]
  links: Link[]
}
