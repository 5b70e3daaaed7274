// 4. From data to a judgement.

import type { Diagrams } from '../lib/answers'
import { NONE, short, whole } from '../lib/numbers'
import { t } from '../lib/words.svelte'
import type { Box, Drawing, Link } from './drawing'
import { figures, metric, samples } from './words'

const ACROSS = { out: 'right', into: 'left' } as const
const DOWN = { out: 'bottom', into: 'top' } as const
const OTHERS = 3 // metrics beside loss and accuracy that are shown

export function evaluation(of: Diagrams): (narrow: boolean) => Drawing {
  const { rows, source } = of.data
  const { val, test, best } = of.evaluation
  const total = (rows.train ?? 0) + (rows.val ?? 0) + (rows.test ?? 0)
  const part = (name: string): { figures: string[]; meter: number } => {
    const count = rows[name]
    return { figures: [samples(count)], meter: total && count ? count / total : 0 }
  }
  // Of a loss with several terms each has its own value: those come last.
  const others = Object.keys(val)
    .filter((name) => !['loss', 'accuracy'].includes(name))
    .sort((a, b) => Number(a.startsWith('loss/')) - Number(b.startsWith('loss/')))
  const left = ['missing', 'bad', 'duplicates_dropped'].reduce((sum, name) => sum + (rows[name] ?? 0), 0)
  const judged = (values: Record<string, number>): string[] => {
    const found = figures(values, ['accuracy', 'ap', 'loss'])
    return found.length ? found.slice(0, 2) : [t('learn.flow.not-yet')]
  }

  return (narrow) => {
    const at = (wide: [number, number], slim: [number, number]): [number, number] => (narrow ? slim : wide)
    const across: [number, number] = narrow ? [2, 1] : [1, 1]
    const boxes: Box[] = [
      { id: 'data', at: at([0, 1], [0, 0]), span: across, title: t('learn.data.raw'), figures: [source, samples(rows.found)], tone: 'data' },
      { id: 'clean', at: at([1, 1], [0, 1]), span: across, title: t('learn.data.clean'), figures: [samples(rows.used), t('learn.data.left-out', { count: whole(left) })], tone: 'data' },
      { id: 'train', at: at([2, 0], [0, 2]), title: t('learn.data.train'), ...part('train'), tone: 'data' },
      { id: 'val', at: at([2, 1], [0, 4]), title: t('learn.data.val'), ...part('val'), tone: 'data' },
      { id: 'test', at: at([2, 2], [0, 3]), title: t('learn.data.test'), ...part('test'), tone: 'data' },
      {
        id: 'model',
        at: at([3, 0], [1, 2]),
        title: t('learn.data.model'),
        figures: [of.net.name, t('learn.loop.epoch', { where: `${of.training.epoch} / ${of.training.epochs}` })],
        tone: 'forward',
      },
      {
        id: 'eval1',
        at: at([3, 1], [1, 4]),
        title: t('learn.data.eval'),
        figures: [best === null ? t('learn.flow.not-yet') : t('learn.loop.best', { epoch: best })],
        tone: 'backward',
      },
      { id: 'eval2', at: at([3, 2], [1, 3]), title: t('learn.data.final'), figures: judged(test), ...(Object.keys(test).length ? { tone: 'end' } : { off: true }) },
      { id: 'loss', at: at([4, 0], [0, 5]), title: t('learn.data.loss'), figures: ['loss' in val ? short(val.loss) : NONE] },
      { id: 'accuracy', at: at([4, 1], [1, 5]), title: metric('accuracy'), figures: ['accuracy' in val ? short(val.accuracy) : NONE] },
      {
        id: 'others',
        at: at([4, 2], [0, 6]),
        span: narrow ? [2, 1] : [1, 1],
        title: t('learn.data.others'),
        figures: others.length ? figures(val, others.slice(0, OTHERS)) : [NONE],
      },
    ]
    const links: Link[] = [
      { from: 'data', to: 'clean', ...(narrow ? DOWN : ACROSS), kind: 'forward', label: [t('learn.data.prepare')] },
      ...['train', 'val', 'test'].map((to): Link => {
        const label = to === 'val' && !narrow ? [t('learn.data.split')] : []
        return { from: 'clean', to, ...(narrow ? { out: 'left', into: 'left', bend: 11 } : ACROSS), kind: 'forward', label }
      }),
      { from: 'train', to: 'model', ...ACROSS, kind: 'forward' },
      { from: 'val', to: 'eval1', ...ACROSS, kind: 'forward', label: [t('learn.data.validate')] },
      { from: 'test', to: 'eval2', ...ACROSS, kind: 'forward', label: [t('learn.data.try')] },
      ...(narrow ? ['metrics'] : ['loss', 'accuracy', 'others']).map(
        (to): Link => ({ from: 'eval1', to, ...(narrow ? DOWN : ACROSS), kind: 'backward' }),
      ),
    ]
    return {
      columns: narrow ? 2 : 5,
      gaps: narrow ? 56 : [78, 60, 78, 70],
      rise: narrow ? 22 : 24,
      boxes,
      frames: [{ id: 'metrics', title: t('learn.data.metrics'), from: narrow ? [0, 5] : [4, 0], to: narrow ? [1, 6] : [4, 2] }],
      links,
    }
  }
}
