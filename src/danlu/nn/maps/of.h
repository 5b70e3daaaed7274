/* The functions of maps.c for one type of number: T, read by LOAD, written by STORE. n: positions; c: channels, a multiple of LANES;
   threads: at most so many. */

/* Mean and sum of squares around it of ``wide`` times LANES channels from the one at j on. */
static inline __attribute__((always_inline)) void NAME(around)(const T *x, int64_t from, int64_t to, int64_t c, int64_t j,
                                                               const int wide, float *sums)
{
    Reals share = all(1.0f / (float)(to - from)), sum[4] = {0}, squares[4] = {0}, rest[4] = {0};
    for (int64_t i = from; i < to; i++)
        for (int k = 0; k < wide; k++)
            sum[k] += LOAD(x + i * c + j + k * LANES);
    for (int k = 0; k < wide; k++)
        sum[k] *= share;
    for (int64_t i = from; i < to; i++)
        for (int k = 0; k < wide; k++) {
            Reals off = LOAD(x + i * c + j + k * LANES) - sum[k];
            squares[k] += off * off;
            rest[k] += off; /* what rounding took from the mean */
        }
    for (int k = 0; k < wide; k++) {
        Reals found = squares[k] - rest[k] * rest[k] * share;
        found = pick(found != found, squares[k], found); /* of infinite squares, what rounding took doesn't matter */
        store_f(sums + j + k * LANES, sum[k] + rest[k] * share);
        store_f(sums + c + j + k * LANES, pick(found < 0.0f, all(0), found));
    }
}

/* Mean and sum of squares around it of every channel in each part (parts, 2, c), and of all: mean, what a float32 leaves of it (left),
   inverse deviation (c). */
static void NAME(moments)(const T *x, int64_t n, int64_t c, float eps, float *mean, float *left, float *inverse, float *parts,
                          double *square, int64_t threads)
{
    int64_t rows = rows_of(c), count = danlu_parts(n, c);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t part = 0; part < count; part++) {
        int64_t from = part * rows, to = least(from + rows, n);
        float *sums = parts + part * 2 * c;
        int64_t j = 0;
        for (; j + 4 * LANES <= c; j += 4 * LANES)
            NAME(around)(x, from, to, c, j, 4, sums);
        for (; j < c; j += LANES)
            NAME(around)(x, from, to, c, j, 1, sums);
    }
    for (int64_t j = 0; j < c; j += LANES) { /* Chan, Golub & LeVeque 1983 */
        double middle[LANES] = {0}, squares[LANES] = {0};
        for (int64_t part = 0, have = 0; part < count; part++) {
            const float *sums = parts + part * 2 * c + j;
            int64_t more = least(rows, n - part * rows);
            have += more;
            double share = (double)more / (double)have, both = share * (double)(have - more);
            for (int k = 0; k < LANES; k++) {
                double off = sums[k] - middle[k];
                middle[k] += off * share;
                squares[k] += sums[c + k] + off * off * both;
            }
        }
        for (int k = 0; k < LANES; k++) {
            mean[j + k] = (float)middle[k];
            left[j + k] = (float)(middle[k] - mean[j + k]);
            square[j + k] = squares[k];
            inverse[j + k] = (float)(1 / sqrt(squares[k] / (double)n + eps));
        }
    }
}

/* y = activation(norm(x) · weight + bias). kept (4, c): mean, inverse deviation, and what x less the mean is multiplied by and what is
   added (the mean is taken off first, so that channels far from zero keep their digits). parts (danlu_parts, 2, c) and square (c): room
   to work in. The running statistics move by ``momentum``. */
void NAME(norm)(const T *x, T *y, int64_t n, int64_t c, const float *weight, const float *bias, float eps, float momentum,
                float *running_mean, float *running_variance, float *kept, float *parts, double *square, int64_t by, int64_t threads)
{
    float *mean = kept, *inverse = kept + c, *times = kept + 2 * c, *plus = kept + 3 * c;
    NAME(moments)(x, n, c, eps, mean, plus, inverse, parts, square, threads);
    for (int64_t j = 0; j < c; j++) {
        running_mean[j] += momentum * (mean[j] - running_mean[j]);
        running_variance[j] += momentum * ((float)(square[j] / (double)(n - 1)) - running_variance[j]);
        times[j] = weight[j] * inverse[j];
        plus[j] = bias[j] - plus[j] * times[j];
    }
    int64_t rows = rows_of(c), count = danlu_parts(n, c);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t back = 0; back < count; back++) { /* what was read last is still near */
        int64_t from = (count - 1 - back) * rows, to = least(from + rows, n);
        for (int64_t j = 0; j < c; j += LANES) {
            Reals middle = load_f(mean + j), a = load_f(times + j), b = load_f(plus + j);
            if (by == RELU)
                for (int64_t i = from; i < to; i++)
                    STORE(y + i * c + j, activated((LOAD(x + i * c + j) - middle) * a + b, RELU));
            else if (by == SILU)
                for (int64_t i = from; i < to; i++)
                    STORE(y + i * c + j, activated((LOAD(x + i * c + j) - middle) * a + b, SILU));
            else
                for (int64_t i = from; i < to; i++)
                    STORE(y + i * c + j, (LOAD(x + i * c + j) - middle) * a + b);
        }
    }
}

/* The gradient of x, weight and bias from that of y. room (3, c). */
void NAME(norm_back)(const T *x, const T *g, T *gx, int64_t n, int64_t c, const float *weight, const float *kept, float *gweight,
                     float *gbias, float *parts, float *room, int64_t by, int64_t threads)
{
    const float *mean = kept, *inverse = kept + c, *times = kept + 2 * c, *plus = kept + 3 * c;
    int64_t rows = rows_of(c), count = danlu_parts(n, c);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t part = 0; part < count; part++) {
        int64_t from = part * rows, to = least(from + rows, n);
        float *sums = parts + part * 2 * c;
        for (int64_t j = 0; j < c; j += LANES) {
            Reals sum = all(0), product = all(0), middle = load_f(mean + j), a = load_f(times + j), b = load_f(plus + j);
            if (by == SILU) /* dear to work out: kept in gx for the second pass */
                for (int64_t i = from; i < to; i++) {
                    Reals value = LOAD(x + i * c + j) - middle, slope = against(LOAD(g + i * c + j), value * a + b, SILU);
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
    float *of_g = room, *of_x = room + c, *rest = room + 2 * c;
    for (int64_t j = 0; j < c; j += LANES) {
        double sum[LANES] = {0}, product[LANES] = {0};
        for (int64_t part = 0; part < count; part++)
            for (int k = 0; k < LANES; k++) {
                sum[k] += parts[part * 2 * c + j + k];
                product[k] += parts[part * 2 * c + c + j + k];
            }
        for (int k = 0; k < LANES; k++) {
            double over = inverse[j + k], scale = weight[j + k] * over;
            gbias[j + k] = (float)sum[k];
            gweight[j + k] = (float)(product[k] * over);
            of_g[j + k] = (float)scale;
            of_x[j + k] = (float)(-scale * over * over * product[k] / (double)n);
            rest[j + k] = (float)(-scale * sum[k] / (double)n);
        }
    }
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
        if (width % 2) {
            memset(upper + (width - 1) * c, 0, c * sizeof(T));
            memset(upper + (2 * width - 1) * c, 0, c * sizeof(T));
        }
        if (height % 2 && row % down == down - 1)
            memset(upper + 2 * width * c, 0, width * c * sizeof(T));
    }
}

/* What each position of a convolution sees, (samples · down · right, kernel · kernel · c): im2col (Chellapilla et al. 2006). Any c. */
void NAME(seen)(const T *x, T *to, int64_t samples, int64_t height, int64_t width, int64_t c, int64_t kernel, int64_t stride,
                int64_t padding, int64_t down, int64_t right, int64_t threads)
{
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t row = 0; row < samples * down; row++)
        for (int64_t k = 0; k < right; k++) {
            T *here = to + (row * right + k) * kernel * kernel * c;
            int64_t left = k * stride - padding, first = left < 0 ? -left : 0, end = least(kernel, width - left);
            for (int64_t v = 0; v < kernel; v++, here += kernel * c) {
                int64_t y = row % down * stride - padding + v;
                if (y < 0 || y >= height || end <= first) {
                    memset(here, 0, kernel * c * sizeof(T));
                    continue;
                }
                memset(here, 0, first * c * sizeof(T));
                memcpy(here + first * c, x + ((row / down * height + y) * width + left + first) * c, (end - first) * c * sizeof(T));
                memset(here + end * c, 0, (kernel - end) * c * sizeof(T));
            }
        }
}
