/* A direction's weights as tiles, and the gradients of them. Torch has (gates · hidden, features) and (gates · hidden, hidden), gate after gate.

   A GRU's third gate has parts that are not added up: here one gate sees the features alone, and one the state alone. */

/* Which of torch's rows a row of gates is, of the weights of features or of the state; -1: one that only fills up. */
static inline int64_t row_of(const Job *job, int64_t place, int of_state)
{
    int64_t unit = place / (4 * SIDE) * SIDE + place % SIDE, gate = place / SIDE % 4;
    if (unit >= job->hidden)
        return -1;
    if (job->cell == GRU && gate >= 2)
        return of_state == (gate == 3) ? 2 * job->hidden + unit : -1;
    return gate * job->hidden + unit;
}

static inline __mmask16 mask_of(int64_t left) { return left >= SIDE ? 0xffff : left <= 0 ? 0 : (1 << left) - 1; }

/* 16 numbers of the weights of a row of gates, from a place of what is seen on. */
static inline __m512 weights_at(const Job *job, const float *ih, const float *hh, int64_t place, int64_t at)
{
    int64_t x = deep_x(job), first = at < x, k = first ? at : at - x, size = first ? job->features : job->hidden;
    int64_t row = row_of(job, place, !first);
    __mmask16 mask = row < 0 ? 0 : mask_of(size - k);
    return mask ? _mm512_maskz_loadu_ps(mask, (first ? ih : hh) + row * size + k) : _mm512_setzero_ps();
}

/* For forward: of 16 gates after the other, (seen / 32, 16 pairs, 16 gates, 2). */
static void pack_forth(const Job *job, const float *ih, const float *hh, Half *to)
{
    int64_t seen = seen_of(job);
    for (int64_t j = 0; j < gates_of(job); j += SIDE)
        for (int64_t k = 0; k < seen; k += DEEP, to += DEEP * SIDE) {
            __m512i r[SIDE];
            for (int64_t i = 0; i < SIDE; i++) {
                r[i] = (__m512i)_mm512_cvtne2ps_pbh(weights_at(job, ih, hh, j + i, k + SIDE), weights_at(job, ih, hh, j + i, k));
            }
            turn(r);
            for (int64_t i = 0; i < SIDE; i++)
                _mm512_storeu_si512(to + i * DEEP, r[i]);
        }
}

/* For backward: of 16 of what is seen after the other, (gates / 32, 16 pairs, 16 seen, 2). */
static void pack_back(const Job *job, const float *ih, const float *hh, Half *to)
{
    int64_t gates = gates_of(job);
    for (int64_t k = 0; k < gates; k += DEEP)
        for (int64_t j = 0; j < seen_of(job); j += SIDE)
            for (int64_t i = k; i < k + DEEP; i += 2) {
                __m512i low = _mm512_cvtepu16_epi32(halves(weights_at(job, ih, hh, i, j)));
                __m512i high = _mm512_cvtepu16_epi32(halves(weights_at(job, ih, hh, i + 1, j)));
                _mm512_storeu_si512(to + j * gates + i * SIDE, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
            }
}

#define CHUNK 1024 /* places of which sums are taken while they are near */

/* 32 gates' gradients at ``count`` places as two panels (CHUNK / 2, 16, 2), places 2i and 2i + 1 beside each other; zero after the last. They
   are added to the gradient of the bias. */
static void paired(const Half *slopes, int64_t gap, int64_t count, int64_t places, const Half *nothing, Half *to, float *bias)
{
    __m512 sums[2] = {_mm512_loadu_ps(bias), _mm512_loadu_ps(bias + SIDE)};
    for (int64_t p = 0; p < places; p += 2) {
        const Half *one = p < count ? slopes + p * gap : nothing, *other = p + 1 < count ? slopes + (p + 1) * gap : nothing;
        for (int64_t j = 0; j < 2; j++) {
            __m512i both = beside(one + j * SIDE, other + j * SIDE);
            sums[j] = _mm512_add_ps(sums[j], _mm512_castsi512_ps(_mm512_slli_epi32(both, 16)));
            sums[j] = _mm512_add_ps(sums[j], _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(0xffff0000))));
            _mm512_storeu_si512(to + (j * CHUNK + p) * SIDE, both);
        }
    }
    _mm512_storeu_ps(bias, sums[0]);
    _mm512_storeu_ps(bias + SIDE, sums[1]);
}

/* 32 numbers of what is seen at ``count`` places, turned: two rows of tiles (16, 32 places); zero after the last. */
static void turned(const Half *seen, int64_t gap, int64_t count, int64_t places, const Half *nothing, Half *to)
{
    for (int64_t p = 0; p < places; p += DEEP, to += DEEP * SIDE)
        for (int64_t j = 0; j < 2; j++) {
            __m512i r[SIDE];
            for (int64_t i = 0; i < SIDE; i++) {
                const Half *one = p + 2 * i < count ? seen + (p + 2 * i) * gap : nothing;
                const Half *other = p + 2 * i + 1 < count ? seen + (p + 2 * i + 1) * gap : nothing;
                r[i] = beside(one + j * SIDE, other + j * SIDE);
            }
            turn(r);
            for (int64_t i = 0; i < SIDE; i++)
                _mm512_storeu_si512(to + j * CHUNK * SIDE + i * DEEP, r[i]);
        }
}

/* Where 32 × 32 sums lie, of what is seen from k on and of gates from j on. */
static inline int64_t block_of(int64_t gates, int64_t k, int64_t j) { return k / DEEP * DEEP * gates + j / DEEP * DEEP * DEEP; }

static inline void put(const float *from, float *to, int first)
{
    for (int64_t i = 0; i < 4 * SIDE * SIDE; i += SIDE) {
        __m512 found = _mm512_load_ps(from + i);
        _mm512_storeu_ps(to + i, first ? found : _mm512_add_ps(found, _mm512_loadu_ps(to + i)));
    }
}

/* Sums over some places, by CHUNK of them, in one order for any number of threads; whole tiles are configured in each. slopes: of the first place.
   across (CHUNK, seen), pairs (CHUNK, gates): room. all (seen · gates), by blocks, bias (gates): put where it is the first time, and added to else. */
static void gradients(const Job *job, const Half *seen, const Half *slopes, int64_t total, Half *across, Half *pairs, float *all, float *bias,
                      const Half *nothing, int first)
{
    int64_t deep = seen_of(job), gates = gates_of(job);
    float sums[4 * SIDE * SIDE] __attribute__((aligned(64)));
    for (int64_t from = 0; from < total; from += CHUNK, first = 0) {
        int64_t count = least(CHUNK, total - from), places = up(count, DEEP);
#pragma omp for schedule(static)
        for (int64_t j = 0; j < gates + deep; j += 2 * SIDE)
            if (j < gates)
                paired(slopes + from * gates + j, gates, count, places, nothing, pairs + j * CHUNK, bias + j);
            else
                turned(seen + from * deep + j - gates, deep, count, places, nothing, across + (j - gates) * CHUNK);
#pragma omp for schedule(static)
        for (int64_t j = 0; j < gates; j += 2 * SIDE)
            for (int64_t k = 0; k < deep; k += 2 * SIDE) {
                products(across + k * CHUNK, DEEP, DEEP * SIDE, SIDE * CHUNK, pairs + j * CHUNK, pairs + (j + SIDE) * CHUNK, places / DEEP, 1,
                         sums, 2 * SIDE);
                put(sums, all + block_of(gates, k, j), first);
            }
    }
}

/* Sums as torch has them, from rows as they lie here. */
static void unpack(const Job *job, const float *all, const float *bias, float *ih, float *hh, float *bias_ih, float *bias_hh)
{
    int64_t x = deep_x(job), gates = gates_of(job);
    for (int64_t place = 0; place < gates; place += SIDE)
        for (int64_t k = 0; k < seen_of(job); k += SIDE) {
            __m512i r[SIDE];
            int64_t size = k < x ? job->features : job->hidden, at = k < x ? k : k - x;
            for (int64_t i = 0; i < SIDE; i++)
                r[i] = _mm512_loadu_si512(all + block_of(gates, k, place) + (k % DEEP + i) * DEEP + place % DEEP);
            turn(r);
            for (int64_t i = 0, row; i < SIDE; i++)
                if ((row = row_of(job, place + i, k >= x)) >= 0 && at < size)
                    _mm512_mask_storeu_ps((k < x ? ih : hh) + row * size + at, mask_of(size - at), _mm512_castsi512_ps(r[i]));
        }
    for (int64_t place = 0, row; bias_ih != NULL && place < gates; place++) {
        if ((row = row_of(job, place, 0)) >= 0)
            bias_ih[row] = bias[place];
        if ((row = row_of(job, place, 1)) >= 0)
            bias_hh[row] = bias[place];
    }
}
