/* For one type of number: T, read by LOAD, written by STORE; SMOOTH: its SiLU. n: positions; c: channels, a multiple of LANES. */

/* y = activation(norm(x) · weight + bias), with what norm.h's ``settle`` has kept. */
static void NAME(apply)(const T *x, T *y, int64_t n, int64_t c, const float *kept, int64_t by, int64_t threads)
{
    const float *mean = kept, *times = kept + 2 * c, *plus = kept + 3 * c;
    int64_t rows = rows_of(c), count = (n + rows - 1) / rows;
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
                    STORE(y + i * c + j, activated((LOAD(x + i * c + j) - middle) * a + b, SMOOTH));
            else
                for (int64_t i = from; i < to; i++)
                    STORE(y + i * c + j, (LOAD(x + i * c + j) - middle) * a + b);
        }
    }
}
