/* What gradients become on their way back through a pool, an activation and a norm; and the way there of rows that are pooled. */

/* g: gradient of what came out. z: what the norm was given; NULL: there was none. which: of every 2 × 2 the one that was greatest, FLAT
   where the activation is flat there; NULL: there was no pool. kept: by danlu_settle. room: by danlu_settle_back. by: the activation that
   is still to be gone through. */
typedef struct {
    const Half *g, *z;
    const uint8_t *which;
    const float *kept, *room;
    int64_t by;
} Slopes;

enum { FLAT = 4 };

static inline Reals near(Reals value) /* to bfloat16 */
{
    return (Reals)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)value)), 16);
}

static inline void put_h(Half *to, Reals value)
{
    __m256bh found = _mm512_cvtneps_pbh((__m512)value);
    memcpy(to, &found, sizeof found);
}

static inline Whole which_at(const uint8_t *from)
{
    Bytes found;
    memcpy(&found, from, sizeof found);
    return __builtin_convertvector(found, Whole);
}

/* The greatest of every 2 × 2 of two rows of z, each of them normed and activated first where kept is given; which: the first of them that
   is it, or the last that is NaN; FLAT behind a ReLU that gives 0. */
static inline __attribute__((always_inline)) void greatest(const float *kept, const Half *z, int64_t width, int64_t c, const int64_t by, Half *y,
                                                           uint8_t *which)
{
    for (int64_t j = 0; j < c; j += LANES) {
        Reals middle = all(0), a = all(1), b = all(0);
        if (kept)
            middle = load_f(kept + j), a = load_f(kept + 2 * c + j), b = load_f(kept + 3 * c + j);
        for (int64_t k = 0; k + 1 < width; k += 2) {
            const Half *corner = z + k * c + j;
            Reals best = all(0);
            Whole at = {0};
            for (int other = 0; other < 4; other++) {
                Reals value = load_h(corner + (other / 2 * width + other % 2) * c);
                if (kept)
                    value = near(activated((value - middle) * a + b, by));
                Whole better = (value > best) | (value != value);
                if (other == 0)
                    best = value;
                else {
                    best = pick(better, value, best);
                    at = (at & ~better) | (better & other);
                }
            }
            if (kept && by == RELU)
                at = (at & ~(best <= 0.0f)) | ((best <= 0.0f) & FLAT);
            Bytes found = __builtin_convertvector(at, Bytes);
            put_h(y + k / 2 * c + j, best);
            memcpy(which + k / 2 * c + j, &found, sizeof found);
        }
    }
}

static void pooled_row(const float *kept, const Half *z, int64_t width, int64_t c, int64_t by, Half *y, uint8_t *which)
{
    if (kept == NULL)
        greatest(NULL, z, width, c, NONE, y, which);
    else if (by == RELU)
        greatest(kept, z, width, c, RELU, y, which);
    else if (by == SILU)
        greatest(kept, z, width, c, QUICK, y, which);
    else
        greatest(kept, z, width, c, NONE, y, which);
}

/* Rows of a sample of which sums are taken at once: an even number, or all. */
static int64_t rows_at_once(const Job *job) { return most(rows_of(job->outputs) / job->right / 2 * 2, 2); }

static inline __attribute__((always_inline)) void sums_of(const Job *job, const Slopes *s, int64_t sample, int64_t from, int64_t to, float *sums,
                                                          Half *slopes, const int64_t by)
{
    int64_t c = job->outputs, width = job->right, down = job->down / 2, right = width / 2;
    const float *kept = s->kept;
    for (int64_t j = 0; j < c; j += LANES) {
        Reals middle = load_f(kept + j), a = load_f(kept + 2 * c + j), b = load_f(kept + 3 * c + j), sum = all(0), product = all(0);
        if (s->which == NULL)
            for (int64_t i = (sample * job->down + from) * width; i < (sample * job->down + to) * width; i++) {
                Reals value = load_h(s->z + i * c + j) - middle, slope = against(load_h(s->g + i * c + j), value * a + b, by);
                if (slopes)
                    put_h(slopes + i * c + j, slope);
                sum += slope;
                product += slope * value;
            }
        else
            for (int64_t row = from / 2; row < least(to / 2, down); row++)
                for (int64_t k = 0; k < right; k++) {
                    int64_t place = ((sample * down + row) * right + k) * c + j;
                    const Half *corner = s->z + ((sample * job->down + 2 * row) * width + 2 * k) * c + j;
                    Whole at = which_at(s->which + place);
                    Reals value = load_h(corner);
                    for (int other = 1; other < 4; other++)
                        value = pick(at == other, load_h(corner + (other / 2 * width + other % 2) * c), value);
                    value -= middle;
                    Reals slope = load_h(s->g + place);
                    slope = by == QUICK ? against(slope, value * a + b, QUICK) : pick(at == FLAT, all(0), slope);
                    if (slopes)
                        put_h(slopes + place, slope);
                    sum += slope;
                    product += slope * value;
                }
        store_f(sums + j, sum);
        store_f(sums + c + j, product);
    }
}

/* Sums (2, c) of slopes, and of slopes times z less its mean, over rows of one sample. */
static void slope_sums(const Job *job, const Slopes *s, int64_t sample, int64_t from, int64_t to, float *sums, Half *slopes)
{
    if (s->by == RELU)
        sums_of(job, s, sample, from, to, sums, slopes, RELU);
    else if (s->by == SILU)
        sums_of(job, s, sample, from, to, sums, slopes, QUICK);
    else
        sums_of(job, s, sample, from, to, sums, slopes, NONE);
}

/* The gradient of z in row y of a sample. Of a pool's gradients ``which`` tells what the activation lets through. */
static inline __attribute__((always_inline)) void normed_row(const Job *hull, const Slopes *s, int64_t sample, int64_t y, int64_t step, Half *to,
                                                             const int64_t by)
{
    int64_t c = hull->channels, width = hull->width, down = hull->height / 2, right = width / 2;
    const Half *z = s->z + (sample * hull->height + y) * width * c, *g = s->g + (sample * hull->height + y) * width * c;
    int64_t pooled = (sample * down + y / 2) * right * c;
    for (int64_t j = 0; j < c; j += LANES) {
        Reals middle = load_f(s->kept + j), a = load_f(s->kept + 2 * c + j), b = load_f(s->kept + 3 * c + j);
        Reals first = load_f(s->room + j), second = load_f(s->room + c + j), third = load_f(s->room + 2 * c + j);
        if (s->which == NULL) {
            for (int64_t k = 0; k < width; k++) {
                Reals value = load_h(z + k * c + j) - middle, slope = against(load_h(g + k * c + j), value * a + b, by);
                put_h(to + k * step + j, slope * first + value * second + third);
            }
            continue;
        }
        int64_t k = 0;
        for (; y / 2 < down && k < 2 * right; k += 2) {
            int64_t place = pooled + k / 2 * c + j;
            Whole at = which_at(s->which + place);
            Reals slope = load_h(s->g + place);
            for (int64_t side = 0; side < 2; side++) {
                Reals value = load_h(z + (k + side) * c + j) - middle;
                Reals mine = pick(at == (int32_t)(y % 2 * 2 + side), slope, all(0));
                put_h(to + (k + side) * step + j, mine * first + value * second + third);
            }
        }
        for (; k < width; k++)
            put_h(to + k * step + j, (load_h(z + k * c + j) - middle) * second + third);
    }
}

static void plain_row(const Job *hull, const Slopes *s, int64_t sample, int64_t y, int64_t step, Half *to)
{
    int64_t c = hull->channels, width = hull->width, down = hull->height / 2, right = width / 2;
    if (s->which == NULL) {
        const Half *g = s->g + (sample * hull->height + y) * width * c;
        for (int64_t k = 0; k < width; k++)
            memcpy(to + k * step, g + k * c, c * sizeof(Half));
        return;
    }
    int64_t k = 0, pooled = (sample * down + y / 2) * right * c;
    for (; y / 2 < down && k < 2 * right; k += 2)
        for (int64_t j = 0; j < c; j += LANES) {
            int64_t place = pooled + k / 2 * c + j;
            Whole at = which_at(s->which + place);
            Reals g = load_h(s->g + place);
            for (int64_t side = 0; side < 2; side++)
                put_h(to + (k + side) * step + j, pick(at == (int32_t)(y % 2 * 2 + side), g, all(0)));
        }
    for (; k < width; k++)
        memset(to + k * step, 0, c * sizeof(Half));
}

static void slope_row(const Job *hull, const Slopes *s, int64_t sample, int64_t y, int64_t step, Half *to)
{
    if (s->z == NULL)
        plain_row(hull, s, sample, y, step, to);
    else if (s->by == RELU)
        normed_row(hull, s, sample, y, step, to, RELU);
    else
        normed_row(hull, s, sample, y, step, to, NONE);
}

/* The gradients of ``count`` samples as the raster of a convolution (of stride 1). */
static void lay_slopes(const Job *hull, const Raster *r, const Slopes *s, int64_t from, int64_t count, int64_t step, Half *to)
{
    Half *row = to, *end = to + r->plane * step;
    for (int64_t n = 0; n < count; n++)
        for (int64_t i = 0; i < r->tall; i++, row += r->pitch * step) {
            int64_t y = i - hull->above;
            if (y < 0 || y >= hull->height) {
                memset(row, 0, r->pitch * step * sizeof(Half));
                continue;
            }
            memset(row, 0, hull->left * step * sizeof(Half));
            Half *here = row + hull->left * step;
            slope_row(hull, s, from + n, y, step, here);
            memset(here + hull->width * step, 0, (r->pitch - hull->left - hull->width) * step * sizeof(Half));
        }
    memset(row, 0, (end - row) * sizeof(Half));
}
