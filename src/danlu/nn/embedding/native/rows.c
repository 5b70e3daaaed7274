/* Rows of long float32 tables: fetched, multiplied, summed and moved, each row asked for before its turn.

   Ids are int64 and were found to lie within the table, by danlu_within, before anything else here sees them.
   Everything runs in one thread and in a fixed order: the same bits on every run. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define AHEAD 12 /* rows that are on their way from memory at a time */

static inline void ask(const float *row, int64_t width, int writes)
{
    for (int64_t k = 0; k < width; k += 16) { /* a line of the cache */
        if (writes)
            __builtin_prefetch(row + k, 1, 3);
        else
            __builtin_prefetch(row + k, 0, 3);
    }
}

int64_t danlu_version(void) { return 1; }

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

/* found[i] = one[a[i]] · other[b[i]] */
void danlu_dots(const float *one, const float *other, const int64_t *a, const int64_t *b, int64_t n, int64_t width,
                float *found)
{
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            ask(one + a[i + AHEAD] * width, width, 0);
            ask(other + b[i + AHEAD] * width, width, 0);
        }
        const float *x = one + a[i] * width, *y = other + b[i] * width;
        float sum = 0;
        for (int64_t k = 0; k < width; k++)
            sum += x[k] * y[k];
        found[i] = sum;
    }
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

/* found[j] = Σ of by[i] · table[ids[i]] over the run j */
void danlu_weighted(const float *table, const int64_t *ids, const float *by, const int64_t *order, const int64_t *starts,
                    int64_t m, int64_t n, int64_t width, float *found)
{
    for (int64_t j = 0; j < m; j++) {
        float *sum = found + j * width;
        int64_t i = starts[j], end = j + 1 < m ? starts[j + 1] : n, at = order[i];
        if (i + AHEAD < n)
            ask(table + ids[order[i + AHEAD]] * width, width, 0);
        const float *row = table + ids[at] * width;
        for (int64_t k = 0; k < width; k++)
            sum[k] = by[at] * row[k];
        for (i++; i < end; i++) {
            at = order[i];
            row = table + ids[at] * width;
            for (int64_t k = 0; k < width; k++)
                sum[k] += by[at] * row[k];
        }
    }
}

/* One step of row-wise Adagrad; places: each once. keep: what decay leaves of a row. */
void danlu_adagrad(float *table, float *total, const int64_t *places, const float *slopes, int64_t n, int64_t width,
                   float lr, float eps, float keep)
{
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            ask(table + places[i + AHEAD] * width, width, 1);
            __builtin_prefetch(total + places[i + AHEAD], 1, 3);
        }
        const float *slope = slopes + i * width;
        float square = 0;
        for (int64_t k = 0; k < width; k++)
            square += slope[k] * slope[k];
        float sum = total[places[i]] += square / (float)width;
        float by = lr / (sqrtf(sum) + eps), *row = table + places[i] * width;
        for (int64_t k = 0; k < width; k++)
            row[k] = keep * row[k] - by * slope[k];
    }
}

/* One step of lazy Adam; rate and eps: corrected for the beginning. */
void danlu_adam(float *table, float *mean, float *second, const int64_t *places, const float *slopes, int64_t n,
                int64_t width, float rate, float eps, float beta1, float beta2, float keep)
{
    float rest1 = 1 - beta1, rest2 = 1 - beta2;
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            int64_t next = places[i + AHEAD] * width;
            ask(table + next, width, 1);
            ask(mean + next, width, 1);
            ask(second + next, width, 1);
        }
        const float *slope = slopes + i * width;
        int64_t at = places[i] * width;
        for (int64_t k = 0; k < width; k++) {
            float m = mean[at + k] += rest1 * (slope[k] - mean[at + k]);
            float v = second[at + k] = beta2 * second[at + k] + rest2 * slope[k] * slope[k];
            table[at + k] = keep * table[at + k] - rate * m / (sqrtf(v) + eps);
        }
    }
}
