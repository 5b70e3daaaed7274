// 3. What the parts are for.

import type { Diagrams } from '../lib/answers'
import { plain, short, whole } from '../lib/numbers'
import { addressOf } from '../lib/route.svelte'
import { t } from '../lib/words.svelte'
import type { Box, Drawing, Frame, Link } from './drawing'
import { activations, counted, dropout, layers, lossNow, norms, parameters } from './words'

export function parts(of: Diagrams): (narrow: boolean) => Drawing {
  const { net, training } = of
  const normed = counted(net.norms).length > 0
  const decayed = training.l1 > 0 || training.weight_decay > 0
  const used = (name: string): boolean => training.optimizer.startsWith(name)
  const own = (name: string): string[] => (used(name) ? [training.momentum === null ? t('learn.parts.used') : t('learn.parts.momentum', { value: plain(training.momentum) })] : [t('learn.flow.unused')])
  const inUse = [normed, Boolean(net.dropout), decayed].filter(Boolean).length

  const boxes: Box[] = [
    { id: 'net', at: [1, 0], title: t('learn.parts.net'), figures: [net.name, parameters(net.parameters)], tone: 'forward' },
    { id: 'layers', at: [0, 1], title: t('learn.parts.layers'), figures: [t('learn.parts.weighted', { count: layers(net) })], tone: 'forward' },
    { id: 'act', at: [1, 1], title: t('learn.loop.act'), figures: activations(of).slice(0, 3), tone: 'forward', href: addressOf('activation') },
    { id: 'reg', at: [2, 1], title: t('learn.parts.reg'), figures: [t('learn.parts.in-use', { count: inUse })], tone: 'forward' },
    { id: 'bn', at: [0, 2], title: t('learn.flow.bn'), figures: norms(of), off: !normed },
    { id: 'drop', at: [1, 2], title: 'Dropout', figures: dropout(of), off: !net.dropout },
    {
      id: 'decay',
      at: [2, 2],
      title: t('learn.parts.decay'),
      figures: [`L1 ${plain(training.l1)}, L2 ${plain(training.weight_decay)}`],
      off: !decayed,
    },
    { id: 'train', at: [4, 0], title: t('learn.parts.train'), figures: [t('learn.parts.epochs', { count: whole(training.epochs) })], tone: 'backward' },
    { id: 'opt', at: [3, 1], title: t('learn.parts.opt'), figures: [training.optimizer], tone: 'backward' },
    { id: 'loss', at: [4, 1], title: t('learn.flow.loss'), figures: lossNow(of), tone: 'backward' },
    { id: 'lr', at: [5, 1], title: t('learn.parts.lr'), figures: [t('learn.flow.now', { value: plain(training.lr) })], tone: 'backward', href: addressOf('rate') },
    { id: 'sgd', at: [3, 2], title: 'SGD', figures: own('sgd'), off: !used('sgd') },
    { id: 'adam', at: [4, 2], title: 'Adam', figures: used('adam') ? [training.optimizer] : own('adam'), off: !used('adam') },
    { id: 'schedule', at: [5, 2], title: t('learn.parts.schedule'), figures: [training.schedule, t('learn.parts.peak', { value: short(training.peak) })] },
  ]
  const wide: Link[] = [
    { from: 'net', to: 'layers', out: 'bottom', into: 'top' },
    { from: 'net', to: 'act', out: 'bottom', into: 'top' },
    { from: 'net', to: 'reg', out: 'bottom', into: 'top' },
    { from: 'reg', to: 'bn', out: 'bottom', into: 'top' },
    { from: 'reg', to: 'drop', out: 'bottom', into: 'top' },
    { from: 'reg', to: 'decay', out: 'bottom', into: 'top' },
    { from: 'train', to: 'opt', out: 'bottom', into: 'top' },
    { from: 'train', to: 'loss', out: 'bottom', into: 'top' },
    { from: 'train', to: 'lr', out: 'bottom', into: 'top' },
    { from: 'opt', to: 'sgd', out: 'bottom', into: 'top' },
    { from: 'opt', to: 'adam', out: 'bottom', into: 'top' },
    { from: 'lr', to: 'schedule', out: 'bottom', into: 'top' },
  ]
  const role: Record<string, string> = {
    layers: t('learn.parts.structure'),
    act: t('learn.parts.nonlinear'),
    reg: t('learn.parts.regularise'),
    opt: t('learn.parts.optimise'),
    loss: t('learn.parts.evaluate'),
    lr: t('learn.parts.adjust'),
  }
  for (const link of wide) {
    link.bend = 0.28
    link.late = true
    link.label = [role[link.to] ?? ''].filter(Boolean)
  }

  return (narrow) => {
    if (!narrow)
      return {
        columns: 6,
        gaps: [24, 24, 64, 24, 24],
        rise: 54,
        boxes,
        frames: [
          { id: 'model', title: t('learn.parts.model'), from: [0, 0], to: [2, 1] },
          { id: 'regularisation', title: t('learn.parts.regularisation'), from: [0, 2], to: [2, 2], foot: true },
          { id: 'training', title: t('learn.parts.training'), from: [3, 0], to: [5, 1] },
          { id: 'optimisation', title: t('learn.parts.optimisation'), from: [3, 2], to: [5, 2], foot: true },
        ],
        links: wide,
      }
    return tree(boxes, wide)
  }
}

/** On a narrow page: each part under the one it belongs to, moved in. */
function tree(boxes: Box[], links: Link[]): Drawing {
  const below = (id: string): string[] => links.filter((link) => link.from === id).map((link) => link.to)
  const found: Box[] = []
  const frames: Frame[] = []
  const made: Link[] = []
  const put = (id: string, depth: number): void => {
    const box = boxes.find((each) => each.id === id)
    if (!box) return
    const figures = (box.figures ?? []).slice(0, 1)
    found.push({ ...box, figures, at: [depth, found.length], span: [12 - depth, 1], flat: true })
    for (const next of below(id)) {
      made.push({ from: id, to: next, out: 'bottom', into: 'left', inset: 16 })
      put(next, depth + 1)
    }
  }
  put('net', 0)
  put('train', 0)
  return { columns: 12, gaps: 6, rise: 10, boxes: found, frames, links: made }
}
