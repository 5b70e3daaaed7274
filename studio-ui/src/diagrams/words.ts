// Short texts for a training's figures.

import type { Diagrams } from '../lib/answers'
import { NONE, plain, short, whole } from '../lib/numbers'
import { named, t } from '../lib/words.svelte'

/** "BatchNorm2d ×9", or several. */
export const counted = (found: Record<string, number>): string[] =>
  Object.entries(found).map(([kind, count]) => (count > 1 ? `${kind} ×${count}` : kind))

export const parameters = (count: number): string => t('learn.flow.parameters', { count: whole(count) })

export const samples = (count: number | undefined): string =>
  count === undefined ? NONE : t('learn.flow.samples', { count: whole(count) })

export const shape = (of: number[] | null): string => (of ? of.map(String).join(' × ') : NONE)

export const layers = (net: Diagrams['net']): number =>
  (net.first ? 1 : 0) + net.hidden.layers + (net.last ? 1 : 0)

export const lossNow = ({ training }: Diagrams): string[] => [
  training.losses.join(' + ') || NONE,
  training.loss === null ? t('learn.flow.not-yet') : t('learn.flow.now', { value: short(training.loss) }),
]

export const rateNow = ({ training }: Diagrams): string => `lr ${plain(training.lr ?? training.peak)}`

export const dropout = ({ net }: Diagrams): string[] => [
  net.dropout ? `p = ${plain(net.dropout)}` : t('learn.flow.unused'),
]

export const norms = ({ net }: Diagrams): string[] => {
  const found = counted(net.norms)
  return found.length ? found : [t('learn.flow.unused')]
}

export const activations = ({ net }: Diagrams): string[] => {
  const found = counted(net.activations)
  return found.length ? found : [t('learn.flow.unseen')]
}

/** A metric's name as people say it. */
export const metric = (name: string): string => named(`learn.metric.${name}`, name)

export const figures = (values: Record<string, number>, names: readonly string[]): string[] =>
  names.filter((name) => name in values).map((name) => `${metric(name)} ${short(values[name])}`)
