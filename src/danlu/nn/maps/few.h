/* Convolutions of pictures: of so few channels that tiles would stay empty. A position sees few numbers, which are multiplied one by one with
   those of 16 outputs. */

#define MOST 16 /* numbers that a position may see */
#define ROW 8   /* positions of a row that are worked out at once */
#define TAPS 9  /* sums that are held at once on the way back */

static inline int64_t seen_numbers(const Job *job) { return job->rows * job->columns * job->channels; }
static inline int is_few(const Job *job) { return job->channels < SIDE && seen_numbers(job) <= MOST; }

/* Numbers of a row of what is seen. */
static inline int64_t window_width(const Job *job) { return ((job->right + ROW) * job->stride + job->columns) * job->channels; }
static int64_t window_room(const Job *job) { return up(job->rows * window_width(job) * sizeof(float), 64); }

/* Weights as (outputs / 16, rows, columns, channels, 16) float32, rounded to bfloat16. */
static void pack_few(const Job *job, const float *weight, const int64_t *steps, float *to)
{
    for (int64_t o = 0; o < job->outputs; o += SIDE)
        for (int64_t v = 0; v < job->rows; v++)
            for (int64_t u = 0; u < job->columns; u++)
                for (int64_t c = 0; c < job->channels; c++, to += SIDE) {
                    for (int64_t i = 0; i < SIDE; i++)
                        to[i] = weight[(o + i) * steps[0] + c * steps[1] + v * steps[2] + u * steps[3]];
                    store_f(to, near(load_f(to)));
                }
}

/* What row y of the outputs sees, (rows, window_width) float32; zeros where there is nothing. */
static void look(const Job *job, const Half *x, int64_t y, float *window)
{
    int64_t width = window_width(job), channels = job->channels;
    memset(window, 0, job->rows * width * sizeof(float));
    for (int64_t v = 0; v < job->rows; v++) {
        int64_t row = job->stride * y + v - job->above, first = most(0, -job->left);
        if (row < 0 || row >= job->height)
            continue;
        const Half *from = x + row * job->width * channels;
        float *to = window + v * width + job->left * channels;
        int64_t last = least(job->width, width / channels - job->left);
        for (int64_t i = first * channels; i < last * channels; i++) {
            uint32_t bits = (uint32_t)from[i] << 16;
            memcpy(to + i, &bits, sizeof bits);
        }
    }
}

/* Where each number that a position sees lies in the window. */
static void offsets_of(const Job *job, int64_t *offsets)
{
    for (int64_t v = 0; v < job->rows; v++)
        for (int64_t u = 0; u < job->columns * job->channels; u++)
            *offsets++ = v * window_width(job) + u;
}

/* A row of outputs (right, outputs). */
static void few_outputs(const Job *job, const float *window, const float *weights, Half *to)
{
    int64_t offsets[MOST], taps = seen_numbers(job), step = job->stride * job->channels, o = job->outputs;
    offsets_of(job, offsets);
    for (int64_t j = 0; j < o; j += SIDE, weights += taps * SIDE)
        for (int64_t k = 0; k < job->right; k += ROW) {
            Reals sums[ROW] = {0};
            for (int64_t tap = 0; tap < taps; tap++) {
                Reals weight = load_f(weights + tap * SIDE);
                const float *here = window + offsets[tap] + k * step;
                for (int i = 0; i < ROW; i++)
                    sums[i] += weight * here[i * step];
            }
            for (int64_t i = 0; i < least(ROW, job->right - k); i++)
                put_h(to + (k + i) * o + j, sums[i]);
        }
}

/* Adds to sums (outputs / 16, seen_numbers, 16) what a row of gradients (right, outputs) times what it sees is. */
static void few_products(const Job *job, const float *window, const Half *g, float *sums)
{
    int64_t offsets[MOST + TAPS] = {0}, taps = seen_numbers(job), step = job->stride * job->channels, o = job->outputs;
    offsets_of(job, offsets);
    for (int64_t j = 0; j < o; j += SIDE, sums += taps * SIDE)
        for (int64_t tap = 0; tap < taps; tap += TAPS) {
            Reals found[TAPS] = {0};
            for (int64_t k = 0; k < job->right; k++) {
                Reals slope = load_h(g + k * o + j);
                const float *here = window + k * step;
                for (int i = 0; i < TAPS; i++)
                    found[i] += slope * here[offsets[tap + i]];
            }
            for (int64_t i = 0; i < least(TAPS, taps - tap); i++)
                store_f(sums + (tap + i) * SIDE, found[i] + load_f(sums + (tap + i) * SIDE));
        }
}
