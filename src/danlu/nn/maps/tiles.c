/* Convolutions of maps in bfloat16 with channels last, by the processor's tiles, together with the norm, the activation and the pooling
   behind them: what lies between them is read and written while it still is near. Sums are float32, of norms double; the bits don't depend on the
   number of threads. */

#include <immintrin.h>

#include "numbers.h"
#include "norm.h"
#ifndef __AMX_BF16__
#error "this processor has no tiles for bfloat16"
#endif
#define NAME(name) name##_h
#define T uint16_t
#define LOAD load_h
#define STORE store_h
#define SMOOTH QUICK
#include "moments.h"
#include "apply.h"
#include "raster.h"
#include "../native/turn.h"
#include "tiles.h"
#include "slopes.h"
#include "few.h"

int64_t danlu_version(void) { return 1; }

#ifdef _OPENMP
extern int omp_get_thread_num(void);
#define ME omp_get_thread_num()
#else
#define ME 0
#endif

/* Of a kernel as it is packed: 16 outputs of it after the other. */
static int64_t packed_of(const Job *job) { return job->rows * job->columns * job->channels * SIDE; }

/* Numbers of two bytes. */
static int64_t packed(const Job *job)
{
    return is_few(job) ? 2 * seen_numbers(job) * job->outputs : packed_of(job) * (job->outputs / SIDE);
}

/* The kernel as tiles. steps: distances in ``weight`` between outputs, channels, rows and columns of the kernel. */
static void pack(const Job *job, const float *weight, const int64_t *steps, Half *to)
{
    int64_t both = joint(job), c = job->channels;
    if (is_few(job)) {
        pack_few(job, weight, steps, (float *)to);
        return;
    }
    for (int64_t o = 0; o < job->outputs; o += SIDE)
        for (int64_t v = 0; v < job->rows; v++)
            for (int64_t u = 0; u < job->columns; u += both)
                for (int64_t k = 0; k < least(both, job->columns - u) * c; k += 2, to += DEEP) {
                    const float *from = weight + v * steps[2] + (u + k / c) * steps[3] + k % c * steps[1];
                    float pair[DEEP];
                    for (int64_t i = 0; i < SIDE; i++) {
                        pair[2 * i] = from[(o + i) * steps[0]];
                        pair[2 * i + 1] = from[(o + i) * steps[0] + steps[1]];
                    }
                    _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(pair + SIDE), _mm512_loadu_ps(pair)));
                }
}

/* Outputs of ``count`` samples of a raster, put where ``places`` say. */
static void outputs(const Job *job, const Raster *r, const Half *seen, const Half *packed, const int32_t *places, int64_t count, Half *to)
{
    float sums[4 * SIDE * SIDE] __attribute__((aligned(64)));
    int64_t o = job->outputs, step = step_of(job), tile = packed_of(job), end = count * r->each, j = 0;
    for (; j + 2 * SIDE <= o; j += 2 * SIDE)
        for (int64_t q = 0; q < end; q += 2 * SIDE) {
            square(job, r, seen + q * step, packed + j / SIDE * tile, packed + (j / SIDE + 1) * tile, sums);
            for (int64_t i = 0; i < 2 * SIDE; i++)
                if (q + i < end && places[q + i] >= 0) {
                    __m512 low = _mm512_load_ps(sums + i * 2 * SIDE), high = _mm512_load_ps(sums + i * 2 * SIDE + SIDE);
                    _mm512_storeu_si512(to + places[q + i] * o + j, (__m512i)_mm512_cvtne2ps_pbh(high, low));
                }
        }
    for (; j < o; j += SIDE)
        for (int64_t q = 0; q < end; q += 4 * SIDE) {
            column(job, r, seen + q * step, packed + j / SIDE * tile, sums);
            for (int64_t i = 0; i < 4 * SIDE; i++)
                if (q + i < end && places[q + i] >= 0) {
                    __m256bh found = _mm512_cvtneps_pbh(_mm512_load_ps(sums + i * SIDE));
                    _mm256_storeu_si256((__m256i *)(to + places[q + i] * o + j), (__m256i)found);
                }
        }
}

static Raster seen_by(const Job *job) { return raster_of(job, 0, most(64, (1 << 16) / (is_few(job) ? job->outputs : job->channels))); }

static int64_t raster_room(const Job *job, const Raster *r) { return up(r->planes * r->plane * step_of(job) * sizeof(Half), 64); }
static int64_t places_room(const Raster *r) { return up((r->group * r->each + SLACK) * sizeof(int32_t), 64); }
static int64_t maps_of(const Job *job) { return job->down * job->right * job->outputs; }

/* Samples of which sums are taken at once. */
static int64_t group_of(const Job *job) { return seen_by(job).group; }

/* Bytes that each thread works in. pooled: whether a pool follows. */
static int64_t convolve_room(const Job *job, int64_t pooled)
{
    Raster r = seen_by(job);
    return (is_few(job) ? window_room(job) : raster_room(job, &r) + places_room(&r)) + (pooled ? up(r.group * maps_of(job) * sizeof(Half), 64) : 0);
}

/* y = convolution of x, and the greatest of every 2 × 2 of it where there is a which; packed: by pack.
   parts, where there are any (groups, 2, outputs): mean and sum of squares around it of y in each group. room: for each thread. */
static void convolve(const Job *job, const Half *x, const Half *packed, Half *y, uint8_t *which, float *parts, char *room, int64_t threads)
{
    Raster r = seen_by(job);
    int64_t groups = (job->samples + r.group - 1) / r.group, o = job->outputs, own = convolve_room(job, which != NULL);
    int64_t size = job->height * job->width * job->channels, step = step_of(job), down = job->down / 2, right = job->right / 2;
    int64_t each = which ? down * right : job->down * job->right;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        char *mine = room + ME * own;
        Half *seen = (Half *)mine, *full = (Half *)(mine + own) - (which ? up(r.group * maps_of(job), DEEP) : 0);
        int32_t *places = (int32_t *)(mine + raster_room(job, &r));
        if (!is_few(job)) {
            places_of(job, &r, r.group, places);
            configure();
        }
#pragma omp for schedule(static)
        for (int64_t group = 0; group < groups; group++) {
            int64_t from = group * r.group, count = least(r.group, job->samples - from);
            Half *to = y + from * each * o;
            for (int64_t row = 0; is_few(job) && row < count * job->down; row++) {
                look(job, x + (from + row / job->down) * size, row % job->down, (float *)mine);
                few_outputs(job, (float *)mine, (const float *)packed, (which ? full : to) + row * job->right * o);
            }
            if (!is_few(job)) {
                lay(job, &r, x + from * size, count, step, seen);
                if (joint(job) == 2)
                    join(seen, r.plane, SIDE, step);
                outputs(job, &r, seen, packed, places, count, which ? full : to);
            }
            for (int64_t row = 0; which && row < count * down; row++)
                pooled_row(NULL, full + (row / down * job->down + row % down * 2) * job->right * o, job->right, o, NONE,
                           to + row * right * o, which + (from * down + row) * right * o);
            if (parts)
                around_h(to, 0, count * each, o, parts + group * 2 * o);
        }
        _tile_release();
    }
}

/* y: the greatest of every 2 × 2 of activation(norm(z)); which of them it was. */
static void apply_pool(const Job *job, const Half *z, const float *kept, int64_t by, Half *y, uint8_t *which, int64_t threads)
{
    int64_t o = job->outputs, down = job->down / 2, right = job->right / 2;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t back = 0; back < job->samples * down; back++) {
        int64_t row = job->samples * down - 1 - back;
        pooled_row(kept, z + (row / down * job->down + row % down * 2) * job->right * o, job->right, o, by, y + row * right * o,
                   which + row * right * o);
    }
}

/* Parts of which sums of slopes are taken. */
static int64_t slope_parts(const Job *job) { return job->samples * ((job->down + rows_at_once(job) - 1) / rows_at_once(job)); }

/* parts (slope_parts, 2, outputs): sums of slopes and of slopes times z less its mean; slopes: where they are kept, if anywhere. */
static void slopes_of(const Job *job, const Slopes *s, float *parts, Half *slopes, int64_t threads)
{
    int64_t rows = rows_at_once(job), blocks = (job->down + rows - 1) / rows, count = slope_parts(job);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t part = 0; part < count; part++) {
        int64_t from = part % blocks * rows;
        slope_sums(job, s, part / blocks, from, least(from + rows, job->down), parts + part * 2 * job->outputs, slopes);
    }
}

/* Sums over positions are taken in so many parts, whatever the number of threads. */
static int64_t parts_of(const Job *job, int64_t groups)
{
    int64_t size = job->rows * job->columns * job->channels * job->outputs * sizeof(float);
    return least(most(least((1 << 21) / size, 8), 2), groups);
}

/* The gradient of one output's kernel (rows, columns, channels) from parts that are ``apart``. */
static void sum_of(const Job *job, const float *all, int64_t apart, int64_t parts, int64_t row, float *to)
{
    int64_t taps = job->rows * job->columns, blocks = job->channels / SIDE;
    for (int64_t tap = 0; tap < taps; tap++, to += job->channels)
        for (int64_t k = 0; k < blocks; k++) {
            const float *from = all + ((tap * (job->outputs / SIDE) + row / SIDE) * blocks + k) * SIDE * SIDE + row % SIDE * SIDE;
            Reals sum = load_f(from);
            for (int64_t part = 1; part < parts; part++)
                sum += load_f(from + part * apart);
            store_f(to + k * SIDE, sum);
        }
}

/* The same, of few channels. */
static void few_sum(const Job *job, const float *all, int64_t apart, int64_t parts, int64_t row, float *to)
{
    for (int64_t tap = 0; tap < seen_numbers(job); tap++) {
        const float *from = all + (row / SIDE * seen_numbers(job) + tap) * SIDE + row % SIDE;
        to[tap] = *from;
        for (int64_t part = 1; part < parts; part++)
            to[tap] += from[part * apart];
    }
}

/* What is worked in on the way back. */
typedef struct {
    Raster seen, back; /* of what was seen, and of its gradient's convolution */
    int64_t groups, parts, length, positions, gap, sums;
    int64_t raster, slopes, turned, nothing, places, own; /* bytes */
} Plan;

static Plan plan_of(const Job *job, const Job *hull)
{
    Plan p;
    p.seen = raster_of(job, 0, least(most((1 << 17) / (job->channels + job->outputs), 512), 2048));
    p.back = raster_of(hull, p.seen.group, 0);
    p.groups = (job->samples + p.seen.group - 1) / p.seen.group;
    p.parts = parts_of(job, p.groups);
    p.length = up(p.seen.planes * p.seen.plane, DEEP);
    p.positions = up(p.seen.group * p.seen.each, DEEP);
    p.gap = p.positions + (p.positions / DEEP % 2 ? 0 : DEEP); /* an odd number of lines: rows don't meet in the cache */
    p.raster = up(p.length * job->channels * sizeof(Half), 64);
    p.slopes = is_few(job) ? up(job->right * job->outputs * sizeof(Half), 64) : raster_room(hull, &p.back);
    p.turned = up(p.gap * job->outputs * sizeof(Half), 64);
    p.nothing = up(step_of(hull) * sizeof(Half), 64);
    p.places = places_room(&p.seen) + places_room(&p.back);
    p.own = p.slopes + (is_few(job) ? window_room(job) : 3 * p.raster + p.turned + p.nothing + p.places);
    p.sums = job->rows * job->columns * job->channels * job->outputs;
    return p;
}

static int64_t back_room(const Job *job, const Job *hull, int64_t threads)
{
    Plan p = plan_of(job, hull);
    return p.own * threads + p.sums * sizeof(float) * p.parts;
}

/* The gradient of a kernel of few channels. */
static void back_few(const Job *job, const Job *hull, const Plan *p, const Slopes *slopes, const Half *x, float *gweight, char *room,
                     int64_t threads)
{
    int64_t numbers = seen_numbers(job), o = job->outputs, size = job->height * job->width * job->channels;
    float *all = (float *)(room + p->own * threads);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        Half *sloping = (Half *)(room + ME * p->own);
        float *window = (float *)(room + ME * p->own + p->slopes);
#pragma omp for schedule(static)
        for (int64_t part = 0; part < p->parts; part++) {
            float *to = all + part * p->sums;
            int64_t from = part * job->samples / p->parts, end = (part + 1) * job->samples / p->parts;
            memset(to, 0, p->sums * sizeof(float));
            for (int64_t row = from * job->down; row < end * job->down; row++) {
                look(job, x + row / job->down * size, row % job->down, window);
                slope_row(hull, slopes, row / job->down, row % job->down, o, sloping);
                few_products(job, window, sloping, to);
            }
        }
    }
    for (int64_t row = 0; row < o; row++)
        few_sum(job, all, p->sums, p->parts, row, gweight + row * numbers);
}

/* Gradients of the kernel, (outputs, rows, columns, channels) float32, and of x, where there is a gx.

   hull: of the convolution of slopes that gx is; phases: what is worked out of it for rows and columns of the same remainder, where there
   is a stride, with the kernel of each packed. room: back_room. */
static void back(const Job *job, const Job *hull, const Slopes *slopes, const Half *x, float *gweight, const Job *phases, const Half **packed,
                int64_t count_phases, Half *gx, char *room, int64_t threads)
{
    Plan p = plan_of(job, hull);
    if (is_few(job)) {
        back_few(job, hull, &p, slopes, x, gweight, room, threads);
        return;
    }
    int64_t c = job->channels, o = job->outputs, taps = job->rows * job->columns, blocks = c / SIDE, step = step_of(hull);
    int64_t size = job->height * job->width * c;
    float *all = (float *)(room + p.own * threads);
    Job filters = *job; /* its outputs are the slopes in their raster */
    filters.to = hull->above * p.back.pitch + hull->left;
    filters.to_sample = p.back.each, filters.to_row = p.back.pitch, filters.to_column = 1;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        char *mine = room + ME * p.own;
        Half *seen = (Half *)mine, *even = (Half *)(mine += p.raster), *odd = (Half *)(mine += p.raster);
        Half *sloping = (Half *)(mine += p.raster), *across = (Half *)(mine += p.slopes), *nothing = (Half *)(mine += p.turned);
        int32_t *places = (int32_t *)(mine += p.nothing), *back = (int32_t *)(mine + places_room(&p.seen));
        places_of(&filters, &p.seen, p.seen.group, places);
        memset(nothing, 0, p.nothing);
        memset(seen + p.seen.planes * p.seen.plane * c, 0, (p.length - p.seen.planes * p.seen.plane) * c * sizeof(Half));
#pragma omp for schedule(static)
        for (int64_t part = 0; part < p.parts; part++) {
            float *to = all + part * p.sums;
            for (int64_t group = part * p.groups / p.parts, start = group; group < (part + 1) * p.groups / p.parts; group++) {
                int64_t from = group * p.seen.group, count = least(p.seen.group, job->samples - from), end = count * p.seen.each;
                lay_slopes(hull, &p.back, slopes, from, count, step, sloping);
                lay(job, &p.seen, x + from * size, count, c, seen);
                paired(seen, p.length, c, even, odd);
                turned(sloping, places, end, up(end, DEEP), o, step, p.gap, nothing, across);
                full_tiles();
                for (int64_t j = 0; j < o; j += 2 * SIDE)
                    for (int64_t k = 0; k < c; k += 2 * SIDE)
                        for (int64_t tap = 0; tap < taps; tap++) {
                            int64_t at = tap_at(job, &p.seen, tap / job->columns, tap % job->columns);
                            add_products(across + j * p.gap, p.gap, (at % 2 ? odd : even) + at / 2 * 2 * c + 2 * k, c, up(end, DEEP),
                                         j + SIDE < o, k + SIDE < c, group == start,
                                         to + ((tap * (o / SIDE) + j / SIDE) * blocks + k / SIDE) * SIDE * SIDE, blocks);
                        }
                if (gx == NULL)
                    continue;
                configure();
                if (joint(hull) == 2)
                    join(sloping, p.back.plane, SIDE, step);
                for (int64_t phase = 0; phase < count_phases; phase++) {
                    if (count_phases > 1 || group == start)
                        places_of(phases + phase, &p.back, p.back.group, back);
                    int64_t offset = (hull->above - phases[phase].above) * p.back.pitch + hull->left - phases[phase].left;
                    outputs(phases + phase, &p.back, sloping + offset * step, packed[phase], back, count, gx + from * size);
                }
            }
            _tile_release();
        }
#pragma omp for schedule(static)
        for (int64_t row = 0; row < o; row++)
            sum_of(job, all, p.sums, p.parts, row, gweight + row * taps * c);
    }
}

#include "stage.h"
