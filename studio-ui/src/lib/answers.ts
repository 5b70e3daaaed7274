// What the server answers, as src/danlu/learn says it.

export type Language = 'en' | 'zh'
export type Of = 'run' | 'builtin'

export interface About {
  language: Language
  texts: Record<Language, Record<string, string>>
  run: string | null
}

export interface Layer {
  kind: string
  parameters: number
}

export interface Diagrams {
  name: string | null
  status: string
  data: {
    source: string
    rows: Partial<Record<string, number>>
    input: number[] | null
    classes: number | null
    mean: number | null
    std: number | null
  }
  net: {
    name: string
    parameters: number
    first: Layer | null
    hidden: { layers: number; parameters: number }
    last: Layer | null
    norms: Record<string, number>
    activations: Record<string, number>
    dropout: number | null
  }
  training: {
    losses: string[]
    optimizer: string
    momentum: number | null
    weight_decay: number
    l1: number
    schedule: string
    peak: number | null
    seed: number
    batch: number
    step: number
    steps: number | null
    epoch: number
    epochs: number
    loss: number | null
    grad_norm: number | null
    lr: number | null
  }
  evaluation: { best: number | null; val: Record<string, number>; test: Record<string, number> }
  curve: [number, number][]
}

export interface ChainControls {
  inputs: [number, number]
  target: number
  weights: number[]
  chosen: number
  rate: number
}

export interface Chain {
  z: number[]
  h: number[]
  y: number
  loss: number
  gradients: number[]
  dz: number[]
  dh: number[]
  dy: number
  links: { of: string; by: string; value: number }[]
  measured: number
  curve: [number, number][]
  stepped: { weights: number[]; loss: number }
}

export interface Slope {
  layers: { name: string; kind: string; shape: number[]; size: number; gradient: number | null }[]
  parameters: string[]
  chosen: number
  name: string
  place: number[]
  weight: number
  gradient: number
  measured: number
  loss: number
  curve: [number, number][]
  samples: number
  exact: boolean
}

export interface Histogram {
  low: number
  high: number
  counts: number[]
}

export interface ActivationControls {
  layer: number
  name: string
  shift: number
  gain: number
}

export interface Activation {
  layers: { name: string; kind: string; dead: number | null; saturated: number | null; gradient: number | null }[]
  chosen: number
  name: string
  kind: string
  shape: number[]
  curve: [number, number, number][]
  before: Histogram
  after: Histogram
  units: number[]
  dead: number
  saturated: number | null
  flat: number
  samples: number
  loss: number | null
  own_loss: number | null
}

export type Schedule = 'constant' | 'step' | 'cosine' | 'one-cycle'

export interface RateControls {
  factor: number
  schedule: Schedule
}

export interface Walk {
  losses: (number | null)[]
  rates: number[]
  exploded: boolean
  end: number | null
}

export interface Rate {
  finder: { rates: number[]; losses: (number | null)[]; suggestion: number }
  steps: number
  asked: Walk
  base: Walk
  schedule: number[]
  valley: { path: [number, number][]; curvatures: [number, number]; critical: number }
  samples: number
  published: boolean
}
