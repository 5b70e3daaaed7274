/* What happens to sixteen units of a row at one time, in float32; what is kept is bfloat16. */

static inline __m512 load_half(const Half *from)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from)), 16));
}

static inline __m512 load_some(const Half *from, __mmask16 mask)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from)), 16));
}

static inline __m256i halves(__m512 value) { return (__m256i)_mm512_cvtneps_pbh(value); }

static inline void store_half(Half *to, __m512 value) { _mm256_storeu_si256((__m256i *)to, halves(value)); }

/* 1 + 2^y to about 2e-7; NaN stays NaN, and what is too large is infinite. */
static inline __m512 above_one(__m512 y)
{
    __m512 rest = _mm512_reduce_ps(y, _MM_FROUND_TO_NEG_INF), sum = _mm512_set1_ps(1.87757656e-3f); /* 0 of infinity */
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(8.98934038e-3f));
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(5.58263178e-2f));
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(2.40153617e-1f));
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(6.93153073e-1f));
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(9.99999925e-1f));
    return _mm512_add_ps(_mm512_scalef_ps(sum, y), _mm512_set1_ps(1));
}

/* To 6e-5 of what it is, a sixtieth of what bfloat16 keeps. */
static inline __m512 sigmoid(__m512 x) { return _mm512_rcp14_ps(above_one(_mm512_mul_ps(x, _mm512_set1_ps(-1.44269504f)))); }

/* To about 3e-7, since near zero it is a difference. */
static inline __m512 hyperbolic(__m512 x)
{
    __m512 y = _mm512_min_ps(_mm512_set1_ps(126), _mm512_mul_ps(x, _mm512_set1_ps(-2.88539008f))); /* of a NaN the second is taken */
    __m512 below = above_one(y), found = _mm512_rcp14_ps(below);
    found = _mm512_mul_ps(found, _mm512_fnmadd_ps(below, found, _mm512_set1_ps(2)));
    return _mm512_fmsub_ps(_mm512_set1_ps(2), found, _mm512_set1_ps(1));
}

/* sums: of input, forget, cell and output gate, 16 of each; bias likewise. The cell's state moves; the gates are kept. Returns the new state. */
static inline __m512 lstm(const float *sums, const float *bias, float *state, Half *gates, Half *kept)
{
    __m512 in = sigmoid(_mm512_add_ps(_mm512_load_ps(sums), _mm512_loadu_ps(bias)));
    __m512 forget = sigmoid(_mm512_add_ps(_mm512_load_ps(sums + SIDE), _mm512_loadu_ps(bias + SIDE)));
    __m512 cell = hyperbolic(_mm512_add_ps(_mm512_load_ps(sums + 2 * SIDE), _mm512_loadu_ps(bias + 2 * SIDE)));
    __m512 out = sigmoid(_mm512_add_ps(_mm512_load_ps(sums + 3 * SIDE), _mm512_loadu_ps(bias + 3 * SIDE)));
    __m512 now = _mm512_fmadd_ps(forget, _mm512_loadu_ps(state), _mm512_mul_ps(in, cell));
    _mm512_storeu_ps(state, now);
    _mm512_storeu_si512(gates, (__m512i)_mm512_cvtne2ps_pbh(forget, in));
    _mm512_storeu_si512(gates + 2 * SIDE, (__m512i)_mm512_cvtne2ps_pbh(out, cell));
    store_half(kept, now);
    return _mm512_mul_ps(out, hyperbolic(now));
}

/* g: of the new state. carried: of the cell's state, now and then of that before. Gradients of the gates' sums are written. */
static inline void lstm_back(__m512 g, const Half *gates, const Half *kept, __m512 before, float *carried, Half *slopes)
{
    __m512 one = _mm512_set1_ps(1), in = load_half(gates), forget = load_half(gates + SIDE), cell = load_half(gates + 2 * SIDE);
    __m512 out = load_half(gates + 3 * SIDE), now = hyperbolic(load_half(kept));
    __m512 through = _mm512_fmadd_ps(_mm512_mul_ps(g, out), _mm512_fnmadd_ps(now, now, one), _mm512_loadu_ps(carried));
    _mm512_storeu_ps(carried, _mm512_mul_ps(through, forget));
    __m512 by_in = _mm512_mul_ps(_mm512_mul_ps(through, cell), _mm512_fnmadd_ps(in, in, in));
    __m512 by_forget = _mm512_mul_ps(_mm512_mul_ps(through, before), _mm512_fnmadd_ps(forget, forget, forget));
    __m512 by_cell = _mm512_mul_ps(_mm512_mul_ps(through, in), _mm512_fnmadd_ps(cell, cell, one));
    __m512 by_out = _mm512_mul_ps(_mm512_mul_ps(g, now), _mm512_fnmadd_ps(out, out, out));
    _mm512_storeu_si512(slopes, (__m512i)_mm512_cvtne2ps_pbh(by_forget, by_in));
    _mm512_storeu_si512(slopes + 2 * SIDE, (__m512i)_mm512_cvtne2ps_pbh(by_out, by_cell));
}

/* sums: of reset and update gate, of the new gate's features and of its state. The state moves; the gates and the state's part are kept. */
static inline __m512 gru(const float *sums, const float *bias, float *state, Half *gates, Half *kept)
{
    __m512 reset = sigmoid(_mm512_add_ps(_mm512_load_ps(sums), _mm512_loadu_ps(bias)));
    __m512 update = sigmoid(_mm512_add_ps(_mm512_load_ps(sums + SIDE), _mm512_loadu_ps(bias + SIDE)));
    __m512 part = _mm512_add_ps(_mm512_load_ps(sums + 3 * SIDE), _mm512_loadu_ps(bias + 3 * SIDE));
    __m512 seen = _mm512_add_ps(_mm512_load_ps(sums + 2 * SIDE), _mm512_loadu_ps(bias + 2 * SIDE));
    __m512 new = hyperbolic(_mm512_fmadd_ps(reset, part, seen));
    __m512 now = _mm512_fmadd_ps(update, _mm512_sub_ps(_mm512_loadu_ps(state), new), new);
    _mm512_storeu_ps(state, now);
    _mm512_storeu_si512(gates, (__m512i)_mm512_cvtne2ps_pbh(update, reset));
    _mm512_storeu_si512(gates + 2 * SIDE, (__m512i)_mm512_cvtne2ps_pbh(part, new));
    store_half(kept, now);
    return now;
}

/* g: of the new state, beside what is carried of it past the products. before: the state before. */
static inline void gru_back(__m512 g, const Half *gates, __m512 before, float *carried, Half *slopes)
{
    __m512 one = _mm512_set1_ps(1), reset = load_half(gates), update = load_half(gates + SIDE), new = load_half(gates + 2 * SIDE);
    __m512 part = load_half(gates + 3 * SIDE), through = _mm512_add_ps(g, _mm512_loadu_ps(carried));
    _mm512_storeu_ps(carried, _mm512_mul_ps(through, update));
    __m512 by_new = _mm512_mul_ps(_mm512_mul_ps(through, _mm512_sub_ps(one, update)), _mm512_fnmadd_ps(new, new, one));
    __m512 by_update = _mm512_mul_ps(_mm512_mul_ps(through, _mm512_sub_ps(before, new)), _mm512_fnmadd_ps(update, update, update));
    __m512 by_reset = _mm512_mul_ps(_mm512_mul_ps(by_new, part), _mm512_fnmadd_ps(reset, reset, reset));
    _mm512_storeu_si512(slopes, (__m512i)_mm512_cvtne2ps_pbh(by_update, by_reset));
    _mm512_storeu_si512(slopes + 2 * SIDE, (__m512i)_mm512_cvtne2ps_pbh(_mm512_mul_ps(by_new, reset), by_new));
}
