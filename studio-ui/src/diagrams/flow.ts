// 1. How data flow through the net, and how the net changes.

import type { Diagrams } from '../lib/answers'
import { NONE, short, whole } from '../lib/numbers'
import { addressOf } from '../lib/route.svelte'
import { t } from '../lib/words.svelte'
import type { Box, Drawing, Link } from './drawing'
import { activations, counted, dropout, lossNow, norms, parameters, rateNow, shape } from './words'

const layer = (found: Diagrams['net']['first']): string[] =>
  found ? [found.kind, parameters(found.parameters)] : [NONE]

export function flow(of: Diagrams): (narrow: boolean) => Drawing {
  const { data, net, training } = of
  const many = net.hidden.layers
  const hidden = (number: number): string => t('learn.flow.hidden', { number })
  const unnormed = !counted(net.norms).length

  return (narrow) => {
    const at = (wide: [number, number], slim: [number, number]): [number, number] => (narrow ? slim : wide)
    const boxes: Box[] = [
      { id: 'input', at: at([0, 1], [0, 0]), title: t('learn.flow.input'), figures: [shape(data.input), data.source], tone: 'data' },
      {
        id: 'norm',
        at: at([1, 1], [1, 0]),
        title: t('learn.flow.norm'),
        figures: data.mean === null ? [NONE] : [`μ ${short(data.mean)}`, `σ ${short(data.std)}`],
        tone: 'data',
      },
      { id: 'first', at: at([2, 1], [0, 1]), title: t('learn.flow.first'), figures: layer(net.first), tone: 'forward' },
      {
        id: 'hidden1',
        at: at([3, 1], [0, 2]),
        title: hidden(1),
        figures: many ? [t('learn.flow.of', { count: many })] : [],
        tone: 'forward',
        off: many < 1,
      },
      {
        id: 'hidden2',
        at: at([4, 1], [0, 3]),
        title: hidden(Math.max(2, many)),
        figures: many > 1 ? [t('learn.flow.together', { count: whole(net.hidden.parameters) })] : [],
        tone: 'forward',
        off: many < 2,
      },
      { id: 'last', at: at([5, 1], [0, 4]), title: t('learn.flow.last'), figures: layer(net.last), tone: 'forward' },
      {
        id: 'bn',
        at: at([3, 0], [1, 2]),
        span: narrow ? [1, 1] : [2, 1],
        title: t('learn.flow.bn'),
        figures: norms(of),
        off: unnormed,
      },
      {
        id: 'drop',
        at: at([3, 2], [1, 3]),
        span: narrow ? [1, 1] : [2, 1],
        title: 'Dropout',
        figures: dropout(of),
        off: !net.dropout,
      },
      {
        id: 'update',
        at: at([3, 3], [0, 5]),
        title: t('learn.flow.update'),
        figures: [training.optimizer, rateNow(of)],
        href: addressOf('rate'),
        tone: 'backward',
      },
      { id: 'loss', at: at([5, 3], [1, 5]), title: t('learn.flow.loss'), figures: lossNow(of), tone: 'backward' },
    ]
    const acts = activations(of)
    const act = [t('learn.flow.activation'), ...(acts.length > 1 ? [t('learn.flow.kinds', { count: acts.length })] : acts)]
    const links: Link[] = [
      { from: 'input', to: 'norm', out: 'right', into: 'left', kind: 'forward' },
      narrow
        ? { from: 'norm', to: 'first', out: 'bottom', into: 'right', kind: 'forward' }
        : { from: 'norm', to: 'first', out: 'right', into: 'left', kind: 'forward' },
      ...(narrow
        ? ([
            { from: 'first', to: 'hidden1', out: 'bottom', into: 'top', kind: 'forward' },
            { from: 'hidden1', to: 'hidden2', out: 'bottom', into: 'top', kind: 'forward', label: act.slice(0, 1) },
            { from: 'hidden2', to: 'last', out: 'bottom', into: 'top', kind: 'forward', label: act.slice(1) },
            { from: 'last', to: 'loss', out: 'right', into: 'top', kind: 'forward' },
            { from: 'bn', to: 'hidden1', out: 'left', into: 'right', kind: 'aid' },
            { from: 'bn', to: 'hidden2', out: 'left', into: 'right', kind: 'aid' },
            { from: 'drop', to: 'hidden1', out: 'left', into: 'right', kind: 'aid' },
            { from: 'drop', to: 'hidden2', out: 'left', into: 'right', kind: 'aid' },
            { from: 'loss', to: 'update', out: 'left', into: 'right', kind: 'backward' },
            { from: 'update', to: 'net', out: 'top', into: 'bottom', kind: 'backward', label: [t('learn.flow.optimizer')] },
          ] satisfies Link[])
        : ([
            { from: 'first', to: 'hidden1', out: 'right', into: 'left', kind: 'forward' },
            { from: 'hidden1', to: 'hidden2', out: 'right', into: 'left', kind: 'forward', label: act },
            { from: 'hidden2', to: 'last', out: 'right', into: 'left', kind: 'forward', label: [t('learn.flow.activation')] },
            { from: 'last', to: 'loss', out: 'bottom', into: 'top', kind: 'forward' },
            { from: 'bn', to: 'hidden1', out: 'bottom', into: 'top', kind: 'aid' },
            { from: 'bn', to: 'hidden2', out: 'bottom', into: 'top', kind: 'aid' },
            { from: 'drop', to: 'hidden1', out: 'top', into: 'bottom', kind: 'aid' },
            { from: 'drop', to: 'hidden2', out: 'top', into: 'bottom', kind: 'aid' },
            { from: 'loss', to: 'update', out: 'left', into: 'right', kind: 'backward', label: [t('learn.flow.backward'), t('learn.flow.norm-of', { value: short(training.grad_norm) })] },
            { from: 'update', to: 'net', out: 'top', into: 'bottom', kind: 'backward', label: [`${t('learn.flow.optimizer')} ${training.optimizer}`] },
          ] satisfies Link[])),
    ]
    return {
      columns: narrow ? 2 : 6,
      gaps: narrow ? 30 : [26, 44, 26, 96, 72],
      rise: narrow ? 30 : 34,
      boxes,
      frames: [
        {
          id: 'net',
          title: t('learn.flow.net', { name: net.name, count: whole(net.parameters) }),
          from: narrow ? [0, 1] : [2, 0],
          to: narrow ? [1, 4] : [5, 2],
        },
      ],
      links,
    }
  }
}
