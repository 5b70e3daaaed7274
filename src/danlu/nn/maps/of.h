/* The functions of maps.c for one type of number: T, read by LOAD, written by STORE; SMOOTH: its SiLU. n: positions; c: channels, a multiple of LANES;
   threads: at most so many. */

#include "moments.h"
#include "apply.h"

/* y = activation(norm(x) · weight + bias), after what is to be kept has been found. parts (danlu_parts, 2, c): room to work in. */
void NAME(norm)(const T *x, T *y, int64_t n, int64_t c, const float *weight, const float *bias, float eps, float momentum,
                float *running_mean, float *running_variance, float *kept, float *parts, int64_t by, int64_t threads)
{
    int64_t rows = rows_of(c), count = danlu_parts(n, c);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t part = 0; part < count; part++)
        NAME(around)(x, part * rows, least((part + 1) * rows, n), c, parts + part * 2 * c);
    danlu_settle(parts, rows, n, c, weight, bias, eps, momentum, running_mean, running_variance, kept);
    NAME(apply)(x, y, n, c, kept, by, threads);
}

/* The gradient of x, weight and bias from that of y. room (3, c). */
void NAME(norm_back)(const T *x, const T *g, T *gx, int64_t n, int64_t c, const float *weight, const float *kept, float *gweight,
                     float *gbias, float *parts, float *room, int64_t by, int64_t threads)
{
    const float *mean = kept, *times = kept + 2 * c, *plus = kept + 3 * c;
    int64_t rows = rows_of(c), count = danlu_parts(n, c);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t part = 0; part < count; part++) {
        int64_t from = part * rows, to = least(from + rows, n);
        float *sums = parts + part * 2 * c;
        for (int64_t j = 0; j < c; j += LANES) {
            Reals sum = all(0), product = all(0), middle = load_f(mean + j), a = load_f(times + j), b = load_f(plus + j);
            if (by == SILU) /* dear to work out: kept in gx for the second pass */
                for (int64_t i = from; i < to; i++) {
                    Reals value = LOAD(x + i * c + j) - middle, slope = against(LOAD(g + i * c + j), value * a + b, SMOOTH);
                    STORE(gx + i * c + j, slope);
                    sum += slope;
                    product += slope * value;
                }
            else if (by == RELU)
                for (int64_t i = from; i < to; i++) {
                    Reals value = LOAD(x + i * c + j) - middle, slope = against(LOAD(g + i * c + j), value * a + b, RELU);
                    sum += slope;
                    product += slope * value;
                }
            else
                for (int64_t i = from; i < to; i++) {
                    Reals slope = LOAD(g + i * c + j);
                    sum += slope;
                    product += slope * (LOAD(x + i * c + j) - middle);
                }
            store_f(sums + j, sum);
            store_f(sums + c + j, product);
        }
    }
    danlu_settle_back(parts, count, n, c, weight, kept, gweight, gbias, room);
    const float *of_g = room, *of_x = room + c, *rest = room + 2 * c;
    const T *slopes = by == SILU ? gx : g;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t back = 0; back < count; back++) {
        int64_t from = (count - 1 - back) * rows, to = least(from + rows, n);
        for (int64_t j = 0; j < c; j += LANES) {
            Reals first = load_f(of_g + j), second = load_f(of_x + j), third = load_f(rest + j);
            Reals middle = load_f(mean + j), a = load_f(times + j), b = load_f(plus + j);
            if (by == RELU)
                for (int64_t i = from; i < to; i++) {
                    Reals value = LOAD(x + i * c + j) - middle, slope = against(LOAD(g + i * c + j), value * a + b, RELU);
                    STORE(gx + i * c + j, slope * first + value * second + third);
                }
            else
                for (int64_t i = from; i < to; i++)
                    STORE(gx + i * c + j, LOAD(slopes + i * c + j) * first + (LOAD(x + i * c + j) - middle) * second + third);
        }
    }
}

/* The greatest of every 2 × 2 positions; which: the first of them that is it (0 to 3, row by row), or the last that is NaN, as torch's. */
void NAME(pool)(const T *x, T *y, uint8_t *which, int64_t samples, int64_t height, int64_t width, int64_t c, int64_t threads)
{
    int64_t down = height / 2, right = width / 2;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t row = 0; row < samples * down; row++) {
        const T *upper = x + (row / down * height + row % down * 2) * width * c;
        for (int64_t k = 0; k < right; k++)
            for (int64_t j = 0; j < c; j += LANES) {
                const T *corner = upper + 2 * k * c + j;
                const T *others[3] = {corner + c, corner + width * c, corner + width * c + c};
                Reals best = LOAD(corner);
                Whole at = {0};
                for (int other = 0; other < 3; other++) {
                    Reals value = LOAD(others[other]);
                    Whole better = (value > best) | (value != value);
                    best = pick(better, value, best);
                    at = (at & ~better) | (better & (other + 1));
                }
                int64_t place = (row * right + k) * c + j;
                Bytes found = __builtin_convertvector(at, Bytes);
                STORE(y + place, best);
                memcpy(which + place, &found, sizeof found);
            }
    }
}

/* Clears what 2 × 2 don't reach beside two rows, and, where they are the last, below. */
static inline void NAME(leftover)(T *upper, int last, int64_t height, int64_t width, int64_t c)
{
    if (width % 2) {
        memset(upper + (width - 1) * c, 0, c * sizeof(T));
        memset(upper + (2 * width - 1) * c, 0, c * sizeof(T));
    }
    if (height % 2 && last)
        memset(upper + 2 * width * c, 0, width * c * sizeof(T));
}

/* gx is cleared where a row or column is left over. */
void NAME(pool_back)(const T *g, const uint8_t *which, T *gx, int64_t samples, int64_t height, int64_t width, int64_t c,
                     int64_t threads)
{
    int64_t down = height / 2, right = width / 2;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t row = 0; row < samples * down; row++) {
        T *upper = gx + (row / down * height + row % down * 2) * width * c;
        for (int64_t k = 0; k < right; k++)
            for (int64_t j = 0; j < c; j += LANES) {
                int64_t place = (row * right + k) * c + j;
                Bytes found;
                memcpy(&found, which + place, sizeof found);
                Whole at = __builtin_convertvector(found, Whole);
                Reals value = LOAD(g + place);
                T *corner = upper + 2 * k * c + j;
                STORE(corner, pick(at == 0, value, all(0)));
                STORE(corner + c, pick(at == 1, value, all(0)));
                STORE(corner + width * c, pick(at == 2, value, all(0)));
                STORE(corner + width * c + c, pick(at == 3, value, all(0)));
            }
        NAME(leftover)(upper, row % down == down - 1, height, width, c);
    }
}

/* y = silu(x) of n numbers, a multiple of LANES. */
void NAME(silu)(const T *x, T *y, int64_t n, int64_t threads)
{
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t i = 0; i < n / LANES; i++)
        STORE(y + i * LANES, activated(LOAD(x + i * LANES), SMOOTH));
}

/* sum = a + b, and y its activation: n numbers, a multiple of LANES. sum may be NULL. */
void NAME(join)(const T *a, const T *b, T *sum, T *y, int64_t n, int64_t by, int64_t threads)
{
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t i = 0; i < n / LANES; i++) {
        T both[LANES];
        STORE(both, LOAD(a + i * LANES) + LOAD(b + i * LANES)); /* rounded, as the net's own sum is */
        if (sum)
            memcpy(sum + i * LANES, both, sizeof both);
        STORE(y + i * LANES, by == SILU ? activated(LOAD(both), SMOOTH) : activated(LOAD(both), RELU));
    }
}

/* The gradient of x from that of its activation; by: RELU or SILU. Where it is the first, y tells as much as x. */
void NAME(activation_back)(const T *x, const T *g, T *gx, int64_t n, int64_t by, int64_t threads)
{
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t i = 0; i < n / LANES; i++)
        STORE(gx + i * LANES, by == SILU ? against(LOAD(g + i * LANES), LOAD(x + i * LANES), SMOOTH)
                                         : against(LOAD(g + i * LANES), LOAD(x + i * LANES), RELU));
}

/* The average of every 2 × 2 positions, and of what is there of them where a last row or column stands alone and (ceil) counts. A place
   that isn't there is taken from the one beside it, which is the same average. */
void NAME(mean)(const T *x, T *y, int64_t samples, int64_t height, int64_t width, int64_t c, int64_t ceil, int64_t threads)
{
    int64_t down = (height + ceil) / 2, right = (width + ceil) / 2;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t row = 0; row < samples * down; row++) {
        int64_t under = 2 * (row % down) + 1 < height ? width * c : 0;
        const T *upper = x + (row / down * height + row % down * 2) * width * c;
        for (int64_t k = 0; k < right; k++)
            for (int64_t j = 0; j < c; j += LANES) {
                const T *corner = upper + 2 * k * c + j;
                int64_t beside = 2 * k + 1 < width ? c : 0;
                Reals sum = LOAD(corner) + LOAD(corner + beside) + LOAD(corner + under) + LOAD(corner + under + beside);
                STORE(y + (row * right + k) * c + j, sum * 0.25f);
            }
    }
}

/* gx is cleared where a row or column is left over. */
void NAME(mean_back)(const T *g, T *gx, int64_t samples, int64_t height, int64_t width, int64_t c, int64_t ceil, int64_t threads)
{
    int64_t down = (height + ceil) / 2, right = (width + ceil) / 2;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t row = 0; row < samples * down; row++) {
        int64_t under = 2 * (row % down) + 1 < height ? width * c : 0;
        T *upper = gx + (row / down * height + row % down * 2) * width * c;
        for (int64_t k = 0; k < right; k++)
            for (int64_t j = 0; j < c; j += LANES) {
                T *corner = upper + 2 * k * c + j;
                int64_t beside = 2 * k + 1 < width ? c : 0;
                Reals value = LOAD(g + (row * right + k) * c + j) * (under ? 0.5f : 1.0f) * (beside ? 0.5f : 1.0f);
                STORE(corner, value);
                STORE(corner + beside, value);
                STORE(corner + under, value);
                STORE(corner + under + beside, value);
            }
        if (!ceil)
            NAME(leftover)(upper, row % down == down - 1, height, width, c);
    }
}

/* y (samples, 2, c): the average and the greatest of each channel's positions; NaN where one is. */
void NAME(ends)(const T *x, T *y, int64_t samples, int64_t positions, int64_t c, int64_t threads)
{
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t sample = 0; sample < samples; sample++)
        for (int64_t j = 0; j < c; j += LANES) {
            const T *from = x + sample * positions * c + j;
            Reals best = LOAD(from);
            Wide sum = {0};
            for (int64_t i = 0; i < positions;) {
                Reals some = all(0); /* of a few: one after the other, many would lose what the last digits tell */
                for (int64_t end = least(i + 64, positions); i < end; i++) {
                    Reals value = LOAD(from + i * c);
                    some += value;
                    best = pick((value > best) | (value != value), value, best);
                }
                sum += __builtin_convertvector(some, Wide);
            }
            STORE(y + sample * 2 * c + j, __builtin_convertvector(sum / (double)positions, Reals));
            STORE(y + sample * 2 * c + c + j, best);
        }
}

/* The gradient of x from g (samples, 2, c). Positions that are equally great share theirs alike, as torch's amax has it. */
void NAME(ends_back)(const T *x, const T *y, const T *g, T *gx, int64_t samples, int64_t positions, int64_t c, int64_t threads)
{
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t sample = 0; sample < samples; sample++)
        for (int64_t j = 0; j < c; j += LANES) {
            const T *from = x + sample * positions * c + j, *slopes = g + sample * 2 * c + j;
            T *to = gx + sample * positions * c + j;
            Reals best = LOAD(y + sample * 2 * c + c + j), count = all(0);
            for (int64_t i = 0; i < positions; i++)
                count += pick(LOAD(from + i * c) == best, all(1), all(0));
            Reals each = LOAD(slopes) / (float)positions, share = LOAD(slopes + c) / count;
            for (int64_t i = 0; i < positions; i++)
                STORE(to + i * c, each + share * pick(LOAD(from + i * c) == best, all(1), all(0)));
        }
}
