/* Scores of all items for some users by a net over pairs with one layer between: a block of pairs goes from the sum of both parts to its scores
   without leaving the first cache. Products by the processor's tiles, in bfloat16 with sums in float32. */

#include <immintrin.h>
#include <stdint.h>

#ifndef __AMX_BF16__
#error "this processor has no tiles for bfloat16"
#endif

typedef uint16_t Half;
#define SIDE 16
#define DEEP 32
#define WIDEST 512 /* of the layer before */

#include "../../maps/numbers.h"
#include "../../recurrent/products.h"

int64_t danlu_version(void) { return 1; }

int64_t danlu_threaded(void)
{
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

/* Of two, of which one is no number, the second is taken: so that stays. */
static inline Reals rectified(Reals x) { return (Reals)_mm512_max_ps(_mm512_setzero_ps(), (__m512)x); }

/* Of 16 rows of 16 numbers each row's sum. */
static inline Reals sums_of(Reals *rows)
{
    turn((__m512i *)rows);
    Reals sum = rows[0];
    for (int i = 1; i < SIDE; i++)
        sum += rows[i];
    return sum;
}

/* found (n, m): Σ weights · relu(W · relu(one[i] + other[j]) + bias). one (n, width), other (m, width); packed: W (high, width) as
   (high / 16, width / 32, 16, 16, 2); width and high are multiples of 32, width no more than WIDEST. */
void danlu_ranked(const Half *one, const Half *other, const Half *packed, const float *bias, const float *weights, int64_t n, int64_t m,
                  int64_t width, int64_t high, float *found)
{
    int64_t blocks = width / DEEP, panel = blocks * DEEP * SIDE;
#pragma omp parallel if (n > 1)
    {
        Half rows[2 * SIDE * WIDEST] __attribute__((aligned(64)));
        float sums[2 * SIDE * 2 * SIDE] __attribute__((aligned(64)));
        memset(rows, 0, sizeof rows); /* those behind the last item are multiplied too */
        full_tiles();
#pragma omp for schedule(static)
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < m; j += 2 * SIDE) {
                int64_t count = least(2 * SIDE, m - j);
                Reals scores[2 * SIDE];
                for (int64_t r = 0; r < count; r++)
                    for (int64_t k = 0; k < width; k += LANES) {
                        Reals x = load_h(one + i * width + k) + load_h(other + (j + r) * width + k);
                        store_h(rows + r * width + k, rectified(x));
                    }
                for (int64_t r = 0; r < 2 * SIDE; r++)
                    scores[r] = all(0);
                for (int64_t p = 0; p < high; p += 2 * SIDE) {
                    const Half *first = packed + p / SIDE * panel;
                    row_products(rows, width, first, first + panel, blocks, 1, sums, 2 * SIDE);
                    for (int64_t k = 0; k < 2 * SIDE; k += LANES) {
                        Reals added = load_f(bias + p + k), by = load_f(weights + p + k);
                        for (int64_t r = 0; r < 2 * SIDE; r++) {
                            Reals y = load_f(sums + r * 2 * SIDE + k) + added;
                            scores[r] += rectified(y) * by;
                        }
                    }
                }
                for (int64_t r = 0; r < count; r += SIDE) {
                    Reals told = sums_of(scores + r);
                    memcpy(found + i * m + j + r, &told, least(SIDE, count - r) * sizeof(float));
                }
            }
        _tile_release();
    }
}
