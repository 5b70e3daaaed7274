/* Maps one after the other, with the zeros of a convolution's padding between their rows, shared by both neighbours.

   What a tap of the kernel sees of 16 positions in succession lies in memory at one distance from them, across rows and samples, so that
   tiles are full however narrow a map is. Positions between the rows are worked out too, and not kept. With a stride a raster has
   planes: positions whose row and column leave the same remainders. */

typedef uint16_t Half;

#define SIDE 16 /* rows of a tile, and outputs */
#define DEEP 32 /* numbers that are added up at once */
#define SLACK 64 /* positions behind a raster that may be read */

/* All that is to be known of a convolution; of the kernel, tap (v, u) sees row stride · r + v − above, column stride · k + u − left. */
typedef struct {
    int64_t samples, height, width, channels;   /* what is seen */
    int64_t outputs, down, right;               /* what comes out */
    int64_t rows, columns, stride, above, left; /* the kernel */
    int64_t to, to_sample, to_row, to_column;   /* the first output and the distances between them, in positions */
} Job;

/* A raster of ``group`` samples: ``planes`` of ``plane`` positions, rows of ``pitch`` positions, ``tall`` of them for each sample. */
typedef struct {
    int64_t pitch, tall, each, group, plane, planes;
} Raster;

static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t up(int64_t a, int64_t to) { return (a + to - 1) / to * to; }

/* The shortest distance of rows (or of samples) at which whatever is seen beyond one's own end is the next one's padding. */
static int64_t pitch_of(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t before)
{
    int64_t pitch = most(out, before + size > 0 ? (before + size - 1) / stride + 1 : 1);
    for (;; pitch++) {
        int64_t tap = 0;
        for (; tap < kernel; tap++) {
            int64_t beyond = out - 1 + tap / stride - pitch;
            if (beyond >= 0 && stride * beyond + tap % stride >= before)
                break;
        }
        if (tap == kernel)
            return pitch;
    }
}

/* group: the number of samples; 0: as many as make about ``positions``. */
static Raster raster_of(const Job *job, int64_t group, int64_t positions)
{
    Raster r;
    r.pitch = pitch_of(job->width, job->right, job->columns, job->stride, job->left);
    r.tall = pitch_of(job->height, job->down, job->rows, job->stride, job->above);
    r.each = r.pitch * r.tall;
    r.group = group ? group : least(most(positions / r.each, 1), job->samples);
    r.planes = job->stride * job->stride;
    r.plane = r.group * r.each + (job->rows / job->stride + 1) * r.pitch + job->columns / job->stride + 1 + SLACK;
    return r;
}

/* Numbers from one position of a raster to the next: rows of tiles begin with a line of the cache. Behind an odd half line of channels
   come the first of the next position. */
static inline int64_t step_of(const Job *job) { return up(job->channels, DEEP); }

static inline int64_t tap_at(const Job *job, const Raster *r, int64_t v, int64_t u)
{
    int64_t s = job->stride;
    return (v % s * s + u % s) * r->plane + v / s * r->pitch + u / s;
}

/* ``count`` samples from x on as a raster; step: numbers from one position to the next. */
static void lay(const Job *job, const Raster *r, const Half *x, int64_t count, int64_t step, Half *to)
{
    int64_t s = job->stride, c = job->channels;
    for (int64_t plane = 0; plane < r->planes; plane++) {
        Half *row = to + plane * r->plane * step, *end = row + r->plane * step;
        int64_t a = plane / s, b = plane % s;
        /* the columns k for which 0 ≤ s·k + b − left < width */
        int64_t first = job->left > b ? (job->left - b + s - 1) / s : 0;
        int64_t last = job->width + job->left > b ? (job->width + job->left - b - 1) / s + 1 : 0;
        first = least(first, r->pitch), last = most(least(last, r->pitch), first);
        for (int64_t n = 0; n < count; n++)
            for (int64_t i = 0; i < r->tall; i++, row += r->pitch * step) {
                int64_t y = s * i + a - job->above;
                if (y < 0 || y >= job->height) {
                    memset(row, 0, r->pitch * step * sizeof(Half));
                    continue;
                }
                const Half *from = x + ((n * job->height + y) * job->width + s * first + b - job->left) * c;
                memset(row, 0, first * step * sizeof(Half));
                if (s == 1 && step == c)
                    memcpy(row + first * step, from, (last - first) * step * sizeof(Half));
                else
                    for (int64_t k = first; k < last; k++, from += s * c)
                        for (int64_t j = 0; j < c; j += SIDE)
                            memcpy(row + k * step + j, from + j, SIDE * sizeof(Half));
                memset(row + last * step, 0, (r->pitch - last) * step * sizeof(Half));
            }
        memset(row, 0, (end - row) * sizeof(Half));
    }
}

/* Where each position of a raster goes, in positions from the first of its group; −1: nowhere. */
static void places_of(const Job *job, const Raster *r, int64_t count, int32_t *places)
{
    for (int64_t n = 0; n < count; n++)
        for (int64_t i = 0; i < r->tall; i++)
            for (int64_t k = 0; k < r->pitch; k++)
                *places++ = i < job->down && k < job->right ? job->to + n * job->to_sample + i * job->to_row + k * job->to_column : -1;
    for (int64_t k = 0; k < SLACK; k++)
        *places++ = -1;
}

/* Behind the odd half line of each position's channels, the first channels of the next position. */
static void join(Half *raster, int64_t positions, int64_t c, int64_t step)
{
    for (Half *end = raster + (positions - 1) * step; raster < end; raster += step)
        memcpy(raster + c, raster + step, SIDE * sizeof(Half));
}
