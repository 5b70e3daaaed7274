// 2. How training goes round.

import type { Diagrams } from '../lib/answers'
import { plain, short, whole } from '../lib/numbers'
import { addressOf } from '../lib/route.svelte'
import { t } from '../lib/words.svelte'
import type { Box, Drawing, Link } from './drawing'
import { activations, counted, dropout, lossNow, norms, parameters, rateNow } from './words'

export function loop(of: Diagrams): (narrow: boolean) => Drawing {
  const { net, training, evaluation } = of
  const where = (done: number, all: number | null): string => `${whole(done)} / ${whole(all)}`
  const share = training.steps ? Math.min(1, training.step / training.steps) : 0

  return (narrow) => {
    const at = (wide: [number, number], slim: [number, number]): [number, number] => (narrow ? slim : wide)
    const boxes: Box[] = [
      { id: 'start', at: at([0, 0], [0, 0]), title: t('learn.loop.start'), figures: [t('learn.loop.seed', { seed: training.seed })] },
      { id: 'init', at: at([1, 0], [1, 0]), title: t('learn.loop.init'), figures: [parameters(net.parameters)] },
      {
        id: 'forward',
        at: at([2, 0], [0, 1]),
        title: t('learn.loop.forward'),
        figures: [t('learn.loop.batch', { count: whole(training.batch) })],
        tone: 'forward',
        href: addressOf('chain'),
      },
      { id: 'loss', at: at([3, 0], [1, 1]), title: t('learn.loop.loss'), figures: lossNow(of), tone: 'forward' },
      {
        id: 'backward',
        at: at([4, 0], [1, 2]),
        title: t('learn.loop.backward'),
        figures: [t('learn.flow.norm-of', { value: short(training.grad_norm) })],
        tone: 'backward',
        href: addressOf('chain'),
      },
      {
        id: 'update',
        at: at([4, 1], [1, 3]),
        title: t('learn.loop.update'),
        figures: [training.momentum === null ? training.optimizer : `${training.optimizer}, ${t('learn.parts.momentum', { value: plain(training.momentum) })}`],
        tone: 'backward',
      },
      {
        id: 'next',
        at: at([2, 1], [0, 3]),
        title: t('learn.loop.next'),
        figures: [
          t('learn.loop.step', { where: where(training.step, training.steps) }),
          t('learn.loop.epoch', { where: where(training.epoch, training.epochs) }),
        ],
        meter: share,
      },
      {
        id: 'end',
        at: at([1, 1], [0, 4]),
        title: t('learn.loop.end'),
        figures: [
          t(`learn.status.${of.status}`),
          ...(evaluation.best === null ? [] : [t('learn.loop.best', { epoch: evaluation.best })]),
        ],
        tone: of.status === 'running' ? undefined : 'end',
        off: of.status === 'running',
      },
      { id: 'layer', at: at([0, 2], [0, 5]), title: t('learn.loop.layer'), figures: [t('learn.loop.times', { count: (net.first ? 1 : 0) + net.hidden.layers + (net.last ? 1 : 0) })], tone: 'forward' },
      { id: 'bn', at: at([1, 2], [1, 5]), title: t('learn.flow.bn'), figures: norms(of), off: !counted(net.norms).length, tone: counted(net.norms).length ? 'forward' : undefined },
      { id: 'act', at: at([2, 2], [1, 6]), title: t('learn.loop.act'), figures: activations(of).slice(0, 3), tone: 'forward', href: addressOf('activation') },
      { id: 'drop', at: at([3, 2], [0, 6]), title: 'Dropout', figures: dropout(of), off: !net.dropout, tone: net.dropout ? 'forward' : undefined },
    ]
    const schedule = [training.schedule, rateNow(of)]
    const links: Link[] = [
      { from: 'start', to: 'init', out: 'right', into: 'left' },
      narrow
        ? { from: 'init', to: 'forward', out: 'bottom', into: 'top', label: [] }
        : { from: 'init', to: 'forward', out: 'right', into: 'left', label: [t('learn.loop.each')] },
      { from: 'forward', to: 'loss', out: 'right', into: 'left', kind: 'forward' },
      narrow
        ? { from: 'loss', to: 'backward', out: 'bottom', into: 'top', kind: 'backward' }
        : { from: 'loss', to: 'backward', out: 'right', into: 'left', kind: 'backward' },
      { from: 'backward', to: 'update', out: 'bottom', into: 'top', kind: 'backward', label: [t('learn.flow.optimizer')] },
      { from: 'update', to: 'next', out: 'left', into: 'right', label: narrow ? [] : [t('learn.loop.schedule'), schedule.join(', ')] },
      { from: 'next', to: 'forward', out: 'top', into: 'bottom', kind: 'forward', label: [t('learn.loop.yes')] },
      narrow
        ? { from: 'next', to: 'end', out: 'bottom', into: 'top', label: [t('learn.loop.no')] }
        : { from: 'next', to: 'end', out: 'left', into: 'right', label: [t('learn.loop.no')] },
      { from: 'layer', to: 'bn', out: 'right', into: 'left', kind: 'forward' },
      narrow
        ? { from: 'bn', to: 'act', out: 'bottom', into: 'top', kind: 'forward' }
        : { from: 'bn', to: 'act', out: 'right', into: 'left', kind: 'forward' },
      narrow
        ? { from: 'act', to: 'drop', out: 'left', into: 'right', kind: 'forward' }
        : { from: 'act', to: 'drop', out: 'right', into: 'left', kind: 'forward' },
    ]
    return {
      columns: narrow ? 2 : 5,
      gaps: narrow ? 30 : [44, 76, 44, 44],
      rise: narrow ? 34 : 44,
      boxes,
      frames: [{ id: 'each', title: t('learn.loop.in-layer'), from: narrow ? [0, 5] : [0, 2], to: narrow ? [1, 6] : [3, 2] }],
      links,
    }
  }
}
