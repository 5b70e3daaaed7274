/* Rows of long float32 tables: fetched, multiplied, summed and moved, each row asked for before its turn.

   Ids are int64 and were found to lie within the table, by danlu_within, before anything else here sees them.
   Everything runs in one thread and in a fixed order: the same bits on every run. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("prefer-vector-width=512") /* a line of the cache at once */
#endif

#define AHEAD 12 /* rows that are on their way from memory at a time */

#define INLINE static inline __attribute__((always_inline))

/* Widths that are often met are compiled each for itself: no loop over a row, none of its ends. */
#define BY_WIDTH(f, ...)                                                                                               \
    switch (width) {                                                                                                   \
    case 1: f(__VA_ARGS__, 1); break;                                                                                  \
    case 16: f(__VA_ARGS__, 16); break;                                                                                \
    case 32: f(__VA_ARGS__, 32); break;                                                                                \
    case 64: f(__VA_ARGS__, 64); break;                                                                                \
    case 128: f(__VA_ARGS__, 128); break;                                                                              \
    default: f(__VA_ARGS__, width);                                                                                    \
    }

INLINE void ask(const float *row, int64_t width, int writes)
{
    for (int64_t k = 0; k < width; k += 16) { /* a line of the cache */
        if (writes)
            __builtin_prefetch(row + k, 1, 3);
        else
            __builtin_prefetch(row + k, 0, 2); /* the second cache has more room for what is on its way */
    }
}

int64_t danlu_version(void) { return 2; }

int danlu_within(const int64_t *ids, int64_t n, int64_t rows)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < n; i++)
        bad |= (ids[i] < 0) | (ids[i] >= rows);
    return !bad;
}

void danlu_fetch(const float *table, const int64_t *ids, int64_t n, int64_t width, float *found)
{
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            ask(table + ids[i + AHEAD] * width, width, 0);
        memcpy(found + i * width, table + ids[i] * width, width * sizeof(float));
    }
}

INLINE float product(const float *x, const float *y, int64_t width)
{
    float sum = 0;
    for (int64_t k = 0; k < width; k++)
        sum += x[k] * y[k];
    return sum;
}

INLINE void scores(const float *one, const float *other, const float *own, const float *its, const int64_t *a,
                   const int64_t *b, int64_t n, int64_t many, float *found, float *of_one, float *of_other,
                   int64_t width)
{
    int64_t ahead = many < AHEAD ? AHEAD / many : 1;
    for (int64_t i = 0; i < n; i++) {
        if (i + ahead < n) {
            ask(one + a[i + ahead] * width, width, 0);
            for (int64_t p = (i + ahead) * many; p < (i + ahead + 1) * many; p++)
                ask(other + b[p] * width, width, 0);
        }
        const float *x = one + a[i] * width;
        float beside = own ? own[a[i]] : 0;
        if (of_one)
            of_one[i] = product(x, x, width);
        for (int64_t p = i * many; p < (i + 1) * many; p++) {
            const float *y = other + b[p] * width;
            found[p] = product(x, y, width);
            if (own)
                found[p] += beside;
            if (its)
                found[p] += its[b[p]];
            if (of_other)
                of_other[p] = product(y, y, width);
        }
    }
}

/* found[p] = one[a[i]] · other[b[p]] + own[a[i]] + its[b[p]] for the ``many`` p of each i < n; of_one, of_other: squared lengths of the
   rows. own, its, of_one, of_other may be null. */
void danlu_scores(const float *one, const float *other, const float *own, const float *its, const int64_t *a,
                  const int64_t *b, int64_t n, int64_t many, int64_t width, float *found, float *of_one, float *of_other)
{
    BY_WIDTH(scores, one, other, own, its, a, b, n, many, found, of_one, of_other)
}

/* Sorts ids, stably, by digits of 11 bits: once (m), order (n), starts (m) as in danlu.nn.embedding.rows; gives m.
   work: 2 n. */
int64_t danlu_runs(const int64_t *ids, int64_t n, int64_t *once, int64_t *order, int64_t *starts, int64_t *work)
{
    uint64_t most = 0;
    for (int64_t i = 0; i < n; i++)
        most |= (uint64_t)ids[i];
    int64_t *from = work, *to = order, *places = 0;
    for (int64_t i = 0; i < n; i++)
        from[i] = i;
    for (int shift = 0; shift < 64 && (most >> shift); shift += 11) {
        int64_t counts[2048] = {0}, sum = 0;
        for (int64_t i = 0; i < n; i++)
            counts[(uint64_t)ids[i] >> shift & 2047]++;
        for (int digit = 0; digit < 2048; digit++) {
            int64_t count = counts[digit];
            counts[digit] = sum;
            sum += count;
        }
        for (int64_t i = 0; i < n; i++)
            to[counts[(uint64_t)ids[from[i]] >> shift & 2047]++] = from[i];
        places = from;
        from = to;
        to = places;
    }
    if (from != order)
        memcpy(order, from, n * sizeof(int64_t));
    int64_t m = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t id = ids[order[i]];
        if (!m || once[m - 1] != id) {
            once[m] = id;
            starts[m++] = i;
        }
    }
    return m;
}

/* found[j] = Σ of values[i] over the run j */
void danlu_sums(const float *values, const int64_t *order, const int64_t *starts, int64_t m, int64_t n, int64_t width,
                float *found)
{
    for (int64_t j = 0; j < m; j++) {
        float *sum = found + j * width;
        int64_t i = starts[j], end = j + 1 < m ? starts[j + 1] : n;
        memcpy(sum, values + order[i] * width, width * sizeof(float));
        for (i++; i < end; i++) {
            const float *value = values + order[i] * width;
            for (int64_t k = 0; k < width; k++)
                sum[k] += value[k];
        }
    }
}

INLINE void slopes(const float *other, const int64_t *ids, int64_t share, const float *by, int64_t many,
                   const float *table, const float *pull, const int64_t *once, const int64_t *order,
                   const int64_t *starts, int64_t m, int64_t n, float *restrict found, float *restrict whole,
                   int64_t width)
{
    int64_t ahead = many < AHEAD ? AHEAD / many : 1;
    for (int64_t j = 0; j < m; j++) {
        float *restrict sum = found + j * width;
        float all = 0, drawn = 0;
        int64_t end = j + 1 < m ? starts[j + 1] : n;
        if (pull && j + AHEAD < m)
            ask(table + once[j + AHEAD] * width, width, 0);
        for (int64_t i = starts[j]; i < end; i++) {
            if (i + ahead < n) {
                int64_t next = order[i + ahead] * many;
                for (int64_t p = next; p < next + many; p++)
                    ask(other + ids[share == 1 ? p : p / share] * width, width, 0);
            }
            int64_t first = order[i] * many;
            for (int64_t p = first; p < first + many; p++) {
                const float *restrict row = other + ids[share == 1 ? p : p / share] * width;
                float slope = by[p];
                if (i == starts[j] && p == first)
                    for (int64_t k = 0; k < width; k++)
                        sum[k] = slope * row[k];
                else
                    for (int64_t k = 0; k < width; k++)
                        sum[k] += slope * row[k];
                all += slope;
            }
            if (pull)
                drawn += pull[order[i]];
        }
        if (whole)
            whole[j] = all;
        if (pull) {
            const float *restrict row = table + once[j] * width;
            for (int64_t k = 0; k < width; k++)
                sum[k] += drawn * row[k];
        }
    }
}

/* The gradient of a table's rows ``once``, from runs over n places of which each met ``many`` rows of another table:
   found[j] = Σ over run j of Σ by[p] · other[ids[p / share]] + pull · table[once[j]], and whole[j] = Σ of by[p].
   whole and pull (n) may be null. */
void danlu_slopes(const float *other, const int64_t *ids, int64_t share, const float *by, int64_t many,
                  const float *table, const float *pull, const int64_t *once, const int64_t *order,
                  const int64_t *starts, int64_t m, int64_t n, int64_t width, float *found, float *whole)
{
    BY_WIDTH(slopes, other, ids, share, by, many, table, pull, once, order, starts, m, n, found, whole)
}

/* One step of row-wise Adagrad; places: each once. keep: what decay leaves of a row. */
INLINE void adagrad(float *table, float *total, const int64_t *places, const float *slopes, int64_t n, float lr, float eps,
                    float keep, int64_t width)
{
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            ask(table + places[i + AHEAD] * width, width, 1);
            __builtin_prefetch(total + places[i + AHEAD], 1, 3);
        }
        const float *restrict slope = slopes + i * width;
        float sum = total[places[i]] += product(slope, slope, width) / (float)width;
        float by = lr / (sqrtf(sum) + eps), *restrict row = table + places[i] * width;
        for (int64_t k = 0; k < width; k++)
            row[k] = keep * row[k] - by * slope[k];
    }
}

void danlu_adagrad(float *table, float *total, const int64_t *places, const float *slopes, int64_t n, int64_t width,
                   float lr, float eps, float keep)
{
    BY_WIDTH(adagrad, table, total, places, slopes, n, lr, eps, keep)
}

/* One step of lazy Adam; rate and eps: corrected for the beginning. */
INLINE void adam(float *table, float *mean, float *second, const int64_t *places, const float *slopes, int64_t n, float rate,
                 float eps, float beta1, float beta2, float keep, int64_t width)
{
    float rest1 = 1 - beta1, rest2 = 1 - beta2;
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            int64_t next = places[i + AHEAD] * width;
            ask(table + next, width, 1);
            ask(mean + next, width, 1);
            ask(second + next, width, 1);
        }
        const float *restrict slope = slopes + i * width;
        float *restrict first = mean + places[i] * width, *restrict other = second + places[i] * width;
        float *restrict row = table + places[i] * width;
        for (int64_t k = 0; k < width; k++) {
            float m = first[k] += rest1 * (slope[k] - first[k]);
            float v = other[k] = beta2 * other[k] + rest2 * slope[k] * slope[k];
            row[k] = keep * row[k] - rate * m / (sqrtf(v) + eps);
        }
    }
}

void danlu_adam(float *table, float *mean, float *second, const int64_t *places, const float *slopes, int64_t n,
                int64_t width, float rate, float eps, float beta1, float beta2, float keep)
{
    BY_WIDTH(adam, table, mean, second, places, slopes, n, rate, eps, beta1, beta2, keep)
}

#include "squared.h"
