/* For one type of number: T, read by LOAD. */

/* Mean and sum of squares around it of ``wide`` times LANES channels from the one at j on, ``deep`` positions at once. */
static inline __attribute__((always_inline)) void NAME(some)(const T *x, int64_t from, int64_t to, int64_t c, int64_t j, const int wide,
                                                             const int deep, float *sums)
{
    Reals share = all(1.0f / (float)(to - from)), sum[4] = {0}, squares[4] = {0}, rest[4] = {0};
    int64_t whole = from + (to - from) / deep * deep;
    for (int64_t i = from; i < whole; i += deep)
        for (int k = 0; k < wide * deep; k++)
            sum[k] += LOAD(x + (i + k / wide) * c + j + k % wide * LANES);
    for (int k = wide; k < wide * deep; k++)
        sum[k % wide] += sum[k];
    for (int64_t i = whole; i < to; i++)
        for (int k = 0; k < wide; k++)
            sum[k] += LOAD(x + i * c + j + k * LANES);
    for (int k = 0; k < wide * deep; k++)
        sum[k] = sum[k % wide] * (k < wide ? share : all(1));
    for (int64_t i = from; i < whole; i += deep)
        for (int k = 0; k < wide * deep; k++) {
            Reals off = LOAD(x + (i + k / wide) * c + j + k % wide * LANES) - sum[k];
            squares[k] += off * off;
            rest[k] += off; /* what rounding took from the mean */
        }
    for (int k = wide; k < wide * deep; k++) {
        squares[k % wide] += squares[k];
        rest[k % wide] += rest[k];
    }
    for (int64_t i = whole; i < to; i++)
        for (int k = 0; k < wide; k++) {
            Reals off = LOAD(x + i * c + j + k * LANES) - sum[k];
            squares[k] += off * off;
            rest[k] += off;
        }
    for (int k = 0; k < wide; k++) {
        Reals found = squares[k] - rest[k] * rest[k] * share;
        found = pick(found != found, squares[k], found); /* of infinite squares, what rounding took doesn't matter */
        store_f(sums + j + k * LANES, sum[k] + rest[k] * share);
        store_f(sums + c + j + k * LANES, pick(found < 0.0f, all(0), found));
    }
}

/* Mean and sum of squares around it (2, c) of positions from ``from`` to ``to``. */
static void NAME(around)(const T *x, int64_t from, int64_t to, int64_t c, float *sums)
{
    int64_t j = 0;
    for (; j + 4 * LANES <= c; j += 4 * LANES)
        NAME(some)(x, from, to, c, j, 4, 1, sums);
    for (; j + 2 * LANES <= c; j += 2 * LANES)
        NAME(some)(x, from, to, c, j, 2, 2, sums);
    for (; j < c; j += LANES)
        NAME(some)(x, from, to, c, j, 1, 4, sums);
}
