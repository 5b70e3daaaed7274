/* One direction of a long short-term memory or of gated recurrent units in training, in bfloat16 with sums and cells in float32, by the processor's
   tiles.

   At each time the features and the state before are multiplied by both weights at once, and the gates worked out of the sums while these are near.
   Rows whose texts have ended are not worked out. No row sees another: threads take rows, and the bits don't depend on how many there are.

   Hochreiter & Schmidhuber 1997, "Long Short-Term Memory"; Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder". The gates are
   torch.nn.LSTM's and torch.nn.GRU's. */

#include <immintrin.h>

#include "rows.h"
#ifndef __AMX_BF16__
#error "this processor has no tiles for bfloat16"
#endif
#include "products.h"
#include "gates.h"
#include "weights.h"

#define AHEAD (2 * SIDE) /* rows after the last that tiles may reach into */

int64_t danlu_version(void) { return 1; }

int64_t danlu_threaded(void)
{
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

/* Places whose gradients of gates are kept at once, when ``step`` is the last of them; from which step on it is. */
static int64_t part_of(const Job *job, int64_t step, int64_t *first)
{
    int64_t count = active_at(job, step);
    for (*first = step; *first > 0 && count + active_at(job, *first - 1) <= CHUNK; (*first)--)
        count += active_at(job, *first - 1);
    return count;
}

/* Numbers in: 0 seen and 1 gates, of bfloat16, 2 cells, of bfloat16; 3 room forward, bytes; 4 room backward, bytes. */
int64_t danlu_size(const Job *job, int64_t which)
{
    int64_t total = job->start[job->times], deep = seen_of(job), gates = gates_of(job), rows = up(job->rows, MOST);
    int64_t packed = gates * deep * sizeof(Half), state = rows * wide(job) * sizeof(float), bias = gates * sizeof(float);
    int64_t slopes = (most(CHUNK, job->rows) + AHEAD) * gates * sizeof(Half);
    switch (which) {
    case 0:
        return (total + AHEAD) * deep;
    case 1:
        return (total + AHEAD) * gates;
    case 2:
        return total * wide(job);
    case 3:
        return packed + state + bias;
    default:
        return packed + slopes + 2 * state + bias + CHUNK * (gates + deep) * sizeof(Half) + gates * deep * sizeof(float) + 64;
    }
}

/* Of one thread. Numbers that have faded to almost nothing are taken for zero, as tiles do: gradients of long rows would make it many times as slow. */
static unsigned begin_tiles(void)
{
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040); /* flush to zero, denormals are zeros */
    full_tiles();
    return before;
}

static void end_tiles(unsigned before)
{
    _tile_release();
    _mm_setcsr(before);
}

/* One row's features, and zeros behind them. */
static inline void see(const Half *x, int64_t features, int64_t deep, Half *to)
{
    memcpy(to, x, features * sizeof(Half));
    if (deep > features)
        memset(to + features, 0, (deep - features) * sizeof(Half));
}

/* Rows from ``first`` to ``last`` through all times. y may be NULL. state (rows, wide). */
static void forth(const Job *job, const Half *x, const Half *packed, const float *bias, Half *y, Half *last, Half *last_cell, Half *seen,
                  Half *gates, Half *cells, float *state, int64_t from, int64_t end)
{
    float sums[8 * SIDE * SIDE] __attribute__((aligned(64)));
    int64_t f = job->features, h = job->hidden, x_deep = deep_x(job), h_deep = wide(job), deep = x_deep + h_deep, all = gates_of(job);
    for (int64_t step = 0; step < job->times; step++) {
        int64_t t = time_of(job, step), before = active_at(job, step - 1), after = active_at(job, step + 1), place = job->start[t];
        int64_t next = after ? job->start[time_of(job, step + 1)] : 0, to = least(job->active[t], end);
        for (int64_t row = most(to, from); y != NULL && row < end; row++)
            memset(y + (t * job->rows + job->order[row]) * job->step, 0, h * sizeof(Half));
        for (int64_t row = from; row < to; row++) {
            see(x + (t * job->rows + job->order[row]) * f, f, x_deep, seen + (place + row) * deep);
            if (row >= before) {
                memset(seen + (place + row) * deep + x_deep, 0, h_deep * sizeof(Half));
                memset(state + row * h_deep, 0, h_deep * sizeof(float));
            }
        }
        for (int64_t u = 0; u < h_deep && from < to; u += SIDE) {
            const Half *panel = packed + 4 * u * deep;
            __mmask16 mask = mask_of(h - u);
            for (int64_t some = from; some < to; some += 2 * SIDE) {
                const Half *rows = seen + (place + some) * deep;
                int high = to - some > SIDE;
                row_products(rows, deep, panel, panel + SIDE * deep, deep / DEEP, high, sums, 4 * SIDE);
                row_products(rows, deep, panel + 2 * SIDE * deep, panel + 3 * SIDE * deep, deep / DEEP, high, sums + 2 * SIDE, 4 * SIDE);
                for (int64_t row = some; row < least(some + 2 * SIDE, to); row++) {
                    int64_t at = place + row, own = job->order[row];
                    float *found = sums + (row - some) * 4 * SIDE, *cell = state + row * h_deep + u;
                    Half *kept = gates + at * all + 4 * u;
                    __m512 now = job->cell == GRU ? gru(found, bias + 4 * u, cell, kept, cells + at * h_deep + u)
                                                  : lstm(found, bias + 4 * u, cell, kept, cells + at * h_deep + u);
                    __m256i rounded = halves(now);
                    if (row < after)
                        _mm256_storeu_si256((__m256i *)(seen + (next + row) * deep + x_deep + u), rounded);
                    else {
                        _mm256_mask_storeu_epi16(last + own * h + u, mask, rounded);
                        _mm256_mask_storeu_epi16(last_cell + own * h + u, mask, halves(_mm512_loadu_ps(cell)));
                    }
                    if (y != NULL)
                        _mm256_mask_storeu_epi16(y + (t * job->rows + own) * job->step + u, mask, rounded);
                }
            }
        }
    }
}

/* x (times, rows, features) → y (times, rows, step) or NULL, last and last_cell (rows, hidden), bfloat16. biases (4 · hidden) may be NULL.

   seen, gates, cells: what is kept, room: to work in, of danlu_size. */
void danlu_forth(const Job *job, const Half *x, const float *ih, const float *hh, const float *bias_ih, const float *bias_hh, Half *y,
                 Half *last, Half *last_cell, Half *seen, Half *gates, Half *cells, char *room, int64_t threads)
{
    int64_t all = gates_of(job), deep = seen_of(job), unit = unit_of(job, threads);
    Half *packed = (Half *)room;
    float *bias = (float *)(room + all * deep * sizeof(Half)), *state = bias + all;
    pack_forth(job, ih, hh, packed);
    for (int64_t place = 0; place < all; place++) {
        int64_t of_x = bias_ih == NULL ? -1 : row_of(job, place, 0), of_state = bias_ih == NULL ? -1 : row_of(job, place, 1);
        bias[place] = (of_x < 0 ? 0 : bias_ih[of_x]) + (of_state < 0 ? 0 : bias_hh[of_state]);
    }
    if (!job->start[job->times] || job->active[0] < job->rows) /* rows without anything */
        for (int64_t row = job->active[0]; row < job->rows; row++) {
            memset(last + job->order[row] * job->hidden, 0, job->hidden * sizeof(Half));
            memset(last_cell + job->order[row] * job->hidden, 0, job->hidden * sizeof(Half));
        }
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        unsigned before = begin_tiles();
#pragma omp for schedule(static)
        for (int64_t from = 0; from < job->rows; from += unit)
            forth(job, x, packed, bias, y, last, last_cell, seen, gates, cells, state, from, least(from + unit, job->rows));
        end_tiles(before);
    }
}

/* Rows from ``from`` to ``end`` back through times from the step ``last`` to ``first``. gy, g_last, g_cell, gx may be NULL. carried, slope (rows, wide):
   of cell and state. slopes: of the first place of these times. */
static void back(const Job *job, const Half *packed, const Half *gates, const Half *cells, const Half *gy, const Half *g_last,
                 const Half *g_cell, Half *slopes, Half *gx, int add, float *carried, float *slope, int64_t last, int64_t first, int64_t from,
                 int64_t end)
{
    float sums[4 * SIDE * SIDE] __attribute__((aligned(64)));
    int64_t f = job->features, h = job->hidden, x_deep = deep_x(job), h_deep = wide(job), all = gates_of(job);
    int64_t begin = job->start[least(time_of(job, last), time_of(job, first))];
    for (int64_t step = last; step >= first; step--) {
        int64_t t = time_of(job, step), before = active_at(job, step - 1), after = active_at(job, step + 1), place = job->start[t];
        int64_t former = before ? job->start[time_of(job, step - 1)] : 0, to = least(job->active[t], end);
        for (int64_t row = most(to, from); gx != NULL && !add && row < end; row++)
            memset(gx + (t * job->rows + job->order[row]) * f, 0, f * sizeof(Half));
        for (int64_t row = from; row < to; row++)
            for (int64_t u = 0, own = job->order[row], at = place + row; u < h_deep; u += SIDE) {
                __mmask16 mask = mask_of(h - u);
                __m512 g, earlier = row < before ? load_half(cells + (former + row) * h_deep + u) : _mm512_setzero_ps();
                if (row < after)
                    g = _mm512_loadu_ps(slope + row * h_deep + u);
                else {
                    g = g_last == NULL ? _mm512_setzero_ps() : load_some(g_last + own * h + u, mask);
                    _mm512_storeu_ps(carried + row * h_deep + u, g_cell == NULL ? _mm512_setzero_ps() : load_some(g_cell + own * h + u, mask));
                }
                if (gy != NULL)
                    g = _mm512_add_ps(g, load_some(gy + (t * job->rows + own) * job->step + u, mask));
                const Half *kept = gates + at * all + 4 * u;
                Half *found = slopes + (at - begin) * all + 4 * u;
                if (job->cell == GRU)
                    gru_back(g, kept, earlier, carried + row * h_deep + u, found);
                else
                    lstm_back(g, kept, cells + at * h_deep + u, earlier, carried + row * h_deep + u, found);
            }
        for (int64_t k = gx == NULL ? x_deep : 0; k < (before ? x_deep + h_deep : x_deep); k += 2 * SIDE)
            for (int64_t some = from; some < to; some += 2 * SIDE) {
                const Half *rows = slopes + (place - begin + some) * all;
                int high = to - some > SIDE;
                if (k >= x_deep) {
                    row_products(rows, all, packed + k * all, packed + (k + SIDE) * all, all / DEEP, high, slope + some * h_deep + k - x_deep,
                                 h_deep);
                    continue;
                }
                row_products(rows, all, packed + k * all, packed + (k + SIDE) * all, all / DEEP, high, sums, 2 * SIDE);
                for (int64_t row = some; row < least(some + 2 * SIDE, to); row++)
                    for (int64_t j = 0; j < 2 * SIDE; j += SIDE) {
                        __mmask16 mask = mask_of(f - k - j);
                        Half *mine = gx + (t * job->rows + job->order[row]) * f + k + j;
                        __m512 found = _mm512_load_ps(sums + (row - some) * 2 * SIDE + j);
                        if (add)
                            found = _mm512_add_ps(found, load_some(mine, mask));
                        _mm256_mask_storeu_epi16(mine, mask, halves(found));
                    }
            }
    }
}

/* Gradients of the weights, float32, and of x, bfloat16 (put, or added where ``add``; NULL: not wanted), from those of y (times, rows, step) and of the
   last states (rows, hidden), each of which may be NULL. room: danlu_size. */
void danlu_back(const Job *job, const float *ih, const float *hh, const Half *seen, const Half *gates, const Half *cells, const Half *gy,
                const Half *g_last, const Half *g_cell, float *g_ih, float *g_hh, float *g_bias_ih, float *g_bias_hh, Half *gx,
                int64_t add, char *room, int64_t threads)
{
    int64_t all = gates_of(job), deep = seen_of(job), unit = unit_of(job, threads), states = up(job->rows, MOST) * wide(job);
    Half *packed = (Half *)room, *pairs = packed + all * deep, *across = pairs + CHUNK * all, *nothing = across + CHUNK * deep;
    Half *slopes = nothing + DEEP;
    float *carried = (float *)(slopes + (most(CHUNK, job->rows) + AHEAD) * all), *slope = carried + states, *sums = slope + states;
    float *bias = sums + all * deep;
    memset(nothing, 0, DEEP * sizeof(Half));
    memset(bias, 0, all * sizeof(float));
    if (!job->start[job->times])
        memset(sums, 0, all * deep * sizeof(float));
    pack_back(job, ih, hh, packed);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        unsigned before = begin_tiles();
        for (int64_t last = job->times - 1, first, count, begun = 0; last >= 0; last = first - 1) {
            count = part_of(job, last, &first);
#pragma omp for schedule(static)
            for (int64_t from = 0; from < job->rows; from += unit)
                back(job, packed, gates, cells, gy, g_last, g_cell, slopes, gx, add, carried, slope, last, first, from,
                     least(from + unit, job->rows));
            gradients(job, seen + job->start[least(time_of(job, last), time_of(job, first))] * deep, slopes, count, across, pairs, sums, bias,
                      nothing, !begun);
            begun |= count > 0;
        }
        end_tiles(before);
    }
    unpack(job, sums, bias, g_ih, g_hh, g_bias_ih, g_bias_hh);
}
