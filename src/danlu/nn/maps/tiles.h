/* Products of matrices by the processor's tiles (Intel AMX): 16 × 32 numbers of bfloat16 times 32 × 16, added up in float32. */

typedef struct {
    uint8_t palette, start, unused[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} __attribute__((aligned(64))) Tiles;

/* Taps of a row that are taken at once: what two neighbours see of 16 channels lies in succession. */
static inline int64_t joint(const Job *job) { return job->stride == 1 && job->channels == SIDE ? 2 : 1; }

/* 0 to 3: sums. 4: seen, 5: kernel; 6, 7: the same of half the depth. */
static void configure(void)
{
    Tiles tiles = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        tiles.bytes[i] = i == 6 ? 32 : 64;
        tiles.rows[i] = i == 7 ? 8 : 16;
    }
    _tile_loadconfig(&tiles);
}

static void full_tiles(void)
{
    Tiles tiles = {.palette = 1};
    for (int i = 0; i < 8; i++)
        tiles.bytes[i] = 64, tiles.rows[i] = 16;
    _tile_loadconfig(&tiles);
}

/* 32 positions × 32 outputs. */
static inline void square(const Job *job, const Raster *r, const Half *seen, const Half *first, const Half *second, float *sums)
{
    int64_t step = step_of(job), both = joint(job), gap = step * sizeof(Half);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t v = 0; v < job->rows; v++)
        for (int64_t u = 0; u < job->columns; u += both) {
            const Half *upper = seen + tap_at(job, r, v, u) * step, *lower = upper + SIDE * step;
            int64_t k = 0, run = least(both, job->columns - u) * job->channels;
            for (; k + DEEP <= run; k += DEEP, first += DEEP * SIDE, second += DEEP * SIDE) {
                _tile_loadd(4, upper + k, gap);
                _tile_loadd(5, first, 64);
                _tile_dpbf16ps(0, 4, 5);
                _tile_loadd(5, second, 64);
                _tile_dpbf16ps(1, 4, 5);
                _tile_loadd(4, lower + k, gap);
                _tile_dpbf16ps(3, 4, 5);
                _tile_loadd(5, first, 64);
                _tile_dpbf16ps(2, 4, 5);
            }
            if (k < run) {
                _tile_loadd(6, upper + k, gap);
                _tile_loadd(7, first, 64);
                _tile_dpbf16ps(0, 6, 7);
                _tile_loadd(7, second, 64);
                _tile_dpbf16ps(1, 6, 7);
                _tile_loadd(6, lower + k, gap);
                _tile_dpbf16ps(3, 6, 7);
                _tile_loadd(7, first, 64);
                _tile_dpbf16ps(2, 6, 7);
                first += DEEP * SIDE / 2, second += DEEP * SIDE / 2;
            }
        }
    _tile_stored(0, sums, 128);
    _tile_stored(1, sums + SIDE, 128);
    _tile_stored(2, sums + SIDE * 2 * SIDE, 128);
    _tile_stored(3, sums + SIDE * 2 * SIDE + SIDE, 128);
}

/* 64 positions × 16 outputs. */
static inline void column(const Job *job, const Raster *r, const Half *seen, const Half *kernel, float *sums)
{
    int64_t step = step_of(job), both = joint(job), gap = step * sizeof(Half);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t v = 0; v < job->rows; v++)
        for (int64_t u = 0; u < job->columns; u += both) {
            const Half *here = seen + tap_at(job, r, v, u) * step;
            int64_t k = 0, run = least(both, job->columns - u) * job->channels;
            for (; k + DEEP <= run; k += DEEP, kernel += DEEP * SIDE) {
                _tile_loadd(5, kernel, 64);
                _tile_loadd(4, here + k, gap);
                _tile_dpbf16ps(0, 4, 5);
                _tile_loadd(4, here + k + SIDE * step, gap);
                _tile_dpbf16ps(1, 4, 5);
                _tile_loadd(4, here + k + 2 * SIDE * step, gap);
                _tile_dpbf16ps(2, 4, 5);
                _tile_loadd(4, here + k + 3 * SIDE * step, gap);
                _tile_dpbf16ps(3, 4, 5);
            }
            if (k < run) {
                _tile_loadd(7, kernel, 64);
                _tile_loadd(6, here + k, gap);
                _tile_dpbf16ps(0, 6, 7);
                _tile_loadd(6, here + k + SIDE * step, gap);
                _tile_dpbf16ps(1, 6, 7);
                _tile_loadd(6, here + k + 2 * SIDE * step, gap);
                _tile_dpbf16ps(2, 6, 7);
                _tile_loadd(6, here + k + 3 * SIDE * step, gap);
                _tile_dpbf16ps(3, 6, 7);
                kernel += DEEP * SIDE / 2;
            }
        }
    _tile_stored(0, sums, 64);
    _tile_stored(1, sums + SIDE * SIDE, 64);
    _tile_stored(2, sums + 2 * SIDE * SIDE, 64);
    _tile_stored(3, sums + 3 * SIDE * SIDE, 64);
}

/* Gradients in a raster (…, step) of which o numbers count, at the places of another, turned: (o, gap); zero elsewhere. positions: a multiple
   of 32. */
static void turned(const Half *g, const int32_t *places, int64_t end, int64_t positions, int64_t o, int64_t step, int64_t gap,
                   const Half *nothing, Half *to)
{
    for (int64_t q = 0; q < positions; q += DEEP) {
        const Half *rows[DEEP];
        for (int64_t i = 0; i < DEEP; i++)
            rows[i] = q + i < end && places[q + i] >= 0 ? g + places[q + i] * step : nothing;
        for (int64_t j = 0; j < o; j += SIDE) {
            __m512i r[SIDE];
            for (int i = 0; i < SIDE; i++)
                r[i] = beside(rows[2 * i] + j, rows[2 * i + 1] + j);
            turn(r);
            for (int i = 0; i < SIDE; i++)
                _mm512_storeu_si512(to + (j + i) * gap + q, r[i]);
        }
    }
}

/* (positions, c) → two times (positions / 2, c, 2): positions 2i and 2i + 1 one beside the other, and 2i + 1 and 2i + 2. */
static void paired(const Half *from, int64_t positions, int64_t c, Half *even, Half *odd)
{
    const Half *last = from + (positions - 2) * c;
    for (; from < last; from += 2 * c, even += 2 * c, odd += 2 * c)
        for (int64_t j = 0; j < c; j += SIDE) {
            _mm512_storeu_si512(even + 2 * j, beside(from + j, from + c + j));
            _mm512_storeu_si512(odd + 2 * j, beside(from + c + j, from + 2 * c + j));
        }
    memset(even, 0, 2 * c * sizeof(Half));
    memset(odd, 0, 2 * c * sizeof(Half));
}

/* Sums over the positions of a raster: 16 or 32 (high) outputs times 16 or 32 (wide) channels. */
static inline __attribute__((always_inline)) void products(const Half *g, int64_t gap, const Half *seen, int64_t c, int64_t positions,
                                                           const int high, const int wide)
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t q = 0; q < positions; q += DEEP, seen += DEEP * c) {
        _tile_loadd(4, g + q, gap * sizeof(Half));
        _tile_loadd(6, seen, c * 4);
        _tile_dpbf16ps(0, 4, 6);
        if (wide) {
            _tile_loadd(7, seen + 2 * SIDE, c * 4);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (high) {
            _tile_loadd(5, g + SIDE * gap + q, gap * sizeof(Half));
            _tile_dpbf16ps(2, 5, 6);
            if (wide)
                _tile_dpbf16ps(3, 5, 7);
        }
    }
}

static inline void put(const float *from, float *to, int first)
{
    for (int i = 0; i < SIDE * SIDE; i += SIDE) {
        __m512 found = _mm512_loadu_ps(from + i);
        _mm512_storeu_ps(to + i, first ? found : _mm512_add_ps(found, _mm512_loadu_ps(to + i)));
    }
}

/* The same, put or added to blocks of 16 × 16; ``blocks``: how many lie between outputs. */
static inline void add_products(const Half *g, int64_t gap, const Half *seen, int64_t c, int64_t positions, int high, int wide, int first,
                                float *to, int64_t blocks)
{
    float sums[SIDE * SIDE] __attribute__((aligned(64)));
    int64_t size = SIDE * SIDE;
    if (high && wide)
        products(g, gap, seen, c, positions, 1, 1);
    else if (high)
        products(g, gap, seen, c, positions, 1, 0);
    else if (wide)
        products(g, gap, seen, c, positions, 0, 1);
    else
        products(g, gap, seen, c, positions, 0, 0);
    _tile_stored(0, sums, 64);
    put(sums, to, first);
    if (wide) {
        _tile_stored(1, sums, 64);
        put(sums, to + size, first);
    }
    if (high) {
        _tile_stored(2, sums, 64);
        put(sums, to + blocks * size, first);
    }
    if (wide && high) {
        _tile_stored(3, sums, 64);
        put(sums, to + (blocks + 1) * size, first);
    }
}
