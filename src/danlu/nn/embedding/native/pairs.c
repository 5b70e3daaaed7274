/* What a net over pairs does between its products: rows of two tables added, rectified and dropped, and the last layer's weighted sum.

   Values are float32, or bfloat16 where ``half``; sums are float32. Widths are multiples of 16. Ids were found to lie within their
   tables. Every row is worked out by one thread and in a fixed order: the same bits on every run, whatever the number of threads. */

#include "../../maps/numbers.h"

typedef int16_t Shorts __attribute__((vector_size(32)));

int64_t danlu_version(void) { return 1; }

#ifdef _OPENMP
int64_t danlu_threaded(void) { return 1; }
#else
int64_t danlu_threaded(void) { return 0; }
#endif

static inline Reals load(const void *from, int64_t at, int half)
{
    return half ? load_h((const uint16_t *)from + at) : load_f((const float *)from + at);
}

static inline void store(void *to, int64_t at, Reals value, int half)
{
    if (half)
        store_h((uint16_t *)to + at, value);
    else
        store_f((float *)to + at, value);
}

static inline Whole drawn(const int16_t *words, int16_t least)
{
    Shorts found;
    memcpy(&found, words, sizeof found);
    return __builtin_convertvector(found >= least, Whole);
}

static inline __attribute__((always_inline)) void rectified(const void *one, const void *other, const int64_t *a,
                                                            const int64_t *b, int64_t n, int64_t many, int64_t width,
                                                            const int16_t *words, int64_t least, float scale, void *found,
                                                            int half)
{
#pragma omp parallel for schedule(static) if (n * many * width > 65536)
    for (int64_t i = 0; i < n; i++)
        for (int64_t p = i * many; p < (i + 1) * many; p++)
            for (int64_t k = 0; k < width; k += LANES) {
                Reals x = load(one, a[i] * width + k, half) + load(other, b[p] * width + k, half);
                x = pick(x <= 0.0f, all(0), x * scale); /* what is no number stays so */
                if (words)
                    x = pick(drawn(words + p * width + k, (int16_t)least), x, x * 0.0f); /* here too */
                store(found, p * width + k, x, half);
            }
}

/* found[p] = scale · relu(one[a[i]] + other[b[p]]) for the ``many`` p of each i < n; 0 where a word is less than ``least``.
   words may be null. */
void danlu_rectified(const void *one, const void *other, const int64_t *a, const int64_t *b, int64_t n, int64_t many,
                     int64_t width, const int16_t *words, int64_t least, float scale, void *found, int64_t half)
{
    if (half)
        rectified(one, other, a, b, n, many, width, words, least, scale, found, 1);
    else
        rectified(one, other, a, b, n, many, width, words, least, scale, found, 0);
}

static inline __attribute__((always_inline)) void pulled(const void *slopes, const void *values, const int64_t *once,
                                                         const int64_t *order, const int64_t *starts, int64_t m, int64_t n,
                                                         int64_t many, int64_t width, float scale, float *found, int half)
{
#pragma omp parallel for schedule(dynamic, 64) if (n * many * width > 65536)
    for (int64_t j = 0; j < m; j++) {
        float *sum = found + once[j] * width;
        int64_t end = j + 1 < m ? starts[j + 1] : n;
        for (int64_t i = starts[j]; i < end; i++)
            for (int64_t p = order[i] * many; p < (order[i] + 1) * many; p++)
                for (int64_t k = 0; k < width; k += LANES) {
                    Reals g = load(slopes, p * width + k, half), z = load(values, p * width + k, half);
                    store_f(sum + k, load_f(sum + k) + pick(z <= 0.0f, all(0), g));
                }
        for (int64_t k = 0; k < width; k += LANES)
            store_f(sum + k, load_f(sum + k) * scale);
    }
}

/* The gradient of a table of danlu_rectified from that of its values: added to found[once[j]], which is 0, over the run j. */
void danlu_pulled(const void *slopes, const void *values, const int64_t *once, const int64_t *order, const int64_t *starts,
                  int64_t m, int64_t n, int64_t many, int64_t width, float scale, float *found, int64_t half)
{
    if (half)
        pulled(slopes, values, once, order, starts, m, n, many, width, scale, found, 1);
    else
        pulled(slopes, values, once, order, starts, m, n, many, width, scale, found, 0);
}

static inline __attribute__((always_inline)) void weighed(const void *values, const float *weights, int64_t n, int64_t width,
                                                          float *found, int half)
{
#pragma omp parallel for schedule(static) if (n * width > 65536)
    for (int64_t p = 0; p < n; p++) {
        Reals sum = all(0);
        for (int64_t k = 0; k < width; k += LANES) {
            Reals y = load(values, p * width + k, half);
            sum += pick(y <= 0.0f, all(0), y) * load_f(weights + k);
        }
        float whole = 0;
        for (int lane = 0; lane < LANES; lane++)
            whole += sum[lane];
        found[p] = whole;
    }
}

/* found[p] = Σ weights · relu(values[p]) */
void danlu_weighed(const void *values, const float *weights, int64_t n, int64_t width, float *found, int64_t half)
{
    if (half)
        weighed(values, weights, n, width, found, 1);
    else
        weighed(values, weights, n, width, found, 0);
}

static inline __attribute__((always_inline)) void unweighed(const void *values, const float *weights, const float *slopes,
                                                            int64_t n, int64_t width, void *found, float *whole, int half)
{
    for (int64_t p = 0; p < n; p++)
        for (int64_t k = 0; k < width; k += LANES) {
            Reals y = load(values, p * width + k, half), by = all(slopes[p]);
            store(found, p * width + k, pick(y <= 0.0f, all(0), by * load_f(weights + k)), half);
            store_f(whole + k, load_f(whole + k) + pick(y <= 0.0f, all(0), by * y));
        }
}

/* Its gradients: found of the values; whole (width), which is 0, of the weights. In one thread, as the latter is one sum. */
void danlu_unweighed(const void *values, const float *weights, const float *slopes, int64_t n, int64_t width, void *found,
                     float *whole, int64_t half)
{
    if (half)
        unweighed(values, weights, slopes, n, width, found, whole, 1);
    else
        unweighed(values, weights, slopes, n, width, found, whole, 0);
}
