/* One step of matrix factorisation on squared errors, from ids to moved rows, without writing a gradient down.

   Most pairs of a batch share neither user nor item with another one: for these both rows are read, the gradients worked out and the
   rows moved at once. Of the others the gradients are first added, user by user and item by item, in the batch's order. All gradients
   are those at the rows as they were before the step. */

#define WIDEST 1024   /* numbers in a row */
#define LARGEST 1e8f   /* rating with which nothing here can overflow where no row is longer than 1e4 */

/* A table and its biases with what row-wise Adagrad remembers of each row; bias may be null. keep: what decay leaves. */
typedef struct {
    float *table, *total, *bias, *bias_total;
    int64_t rows;
    float lr, eps, keep, bias_lr, bias_eps, bias_keep;
} danlu_side;

/* error = shift + scale · (x·y + biases + offset) - rating; gradient of a score: slope · error; of a row: pull · the row, for each pair. */
typedef struct {
    float shift, scale, offset, slope, pull;
} danlu_squares;

/* What was found: sums over pairs, and squared norms of gradients. */
typedef struct {
    double errors, lengths, slopes, norm[2], bias_norm[2];
} danlu_found;

INLINE void descend_bias(const danlu_side *side, int64_t id, float slope, double *norm)
{
    *norm += slope * slope;
    float sum = side->bias_total[id] += slope * slope;
    side->bias[id] = side->bias_keep * side->bias[id] - side->bias_lr / (sqrtf(sum) + side->bias_eps) * slope;
}

INLINE void ask_side(const danlu_side *side, int64_t id, int64_t width)
{
    ask(side->table + id * width, width, 1);
    __builtin_prefetch(side->total + id, 1, 3);
    if (side->bias) {
        __builtin_prefetch(side->bias + id, 1, 3);
        __builtin_prefetch(side->bias_total + id, 1, 3);
    }
}

/* shared[i] |= whether ids[i] comes again. heads: 2^bits, of at least 2 n. */
INLINE void repeated(const int64_t *ids, int64_t n, uint8_t *shared, int32_t *heads, int bits)
{
    memset(heads, 0, sizeof(int32_t) << bits);
    for (int64_t i = 0; i < n; i++) {
        uint64_t at = (uint64_t)ids[i] * 0x9E3779B97F4A7C15u >> (64 - bits);
        while (heads[at] && ids[heads[at] - 1] != ids[i])
            at = (at + 1) & ((1u << bits) - 1);
        if (heads[at])
            shared[i] = shared[heads[at] - 1] = 1;
        else
            heads[at] = (int32_t)(i + 1);
    }
}

INLINE float erring(const danlu_squares *of, const danlu_side *sides, const int64_t *pair, float product_, float rating,
                    danlu_found *found)
{
    float score = product_ + of->offset;
    if (sides[0].bias)
        score += sides[0].bias[pair[0]] + sides[1].bias[pair[1]];
    float error = of->shift + of->scale * score - rating, slope = of->slope * error;
    found->errors += (double)error * error;
    found->slopes += slope;
    return slope;
}

/* What row-wise Adagrad multiplies a gradient of squared length ``size`` by, which its row remembers from now on. */
INLINE float factor(const danlu_side *side, int64_t id, float size, int64_t width)
{
    return side->lr / (sqrtf(side->total[id] += size / (float)width) + side->eps);
}

/* The pairs of which a row is met again: m of them, by their places. room: see danlu_squared_room. */
INLINE void together(const danlu_side *sides, const danlu_squares *of, const int64_t *const *ids, const float *ratings,
                     const int64_t *places, int64_t m, char *room, danlu_found *found, int64_t width)
{
    int64_t *mine = (int64_t *)room, *once = mine + m, *order = once + m, *starts = order + m, *work = starts + m;
    float *slopes_ = (float *)(work + 2 * m), *before = slopes_ + m, sum[WIDEST], kept[WIDEST];
    for (int way = 0; way < 2; way++) {
        const danlu_side *side = sides + way;
        for (int64_t j = 0; j < m; j++)
            mine[j] = ids[way][places[j]];
        int64_t runs = danlu_runs(mine, m, once, order, starts, work);
        for (int64_t run = 0; run < runs; run++) {
            int64_t first = starts[run], end = run + 1 < runs ? starts[run + 1] : m;
            float *row = side->table + once[run] * width, all = 0, held = of->pull * (float)(end - first);
            memcpy(kept, row, width * sizeof(float));
            for (int64_t k = 0; k < width; k++)
                sum[k] = held * kept[k];
            for (int64_t j = first; j < end; j++) {
                int64_t place = order[j], i = places[place], pair[2] = {ids[0][i], ids[1][i]};
                const float *other = before + place * width;
                if (way == 0) { /* the items' rows are as they were, and the user's is kept for the items */
                    other = sides[1].table + pair[1] * width;
                    slopes_[place] = erring(of, sides, pair, product(kept, other, width), ratings[i], found);
                    memcpy(before + place * width, kept, width * sizeof(float));
                }
                float slope = slopes_[place];
                for (int64_t k = 0; k < width; k++)
                    sum[k] += slope * other[k];
                all += slope;
            }
            found->lengths += (double)(end - first) * product(kept, kept, width);
            float size = product(sum, sum, width), by = factor(side, once[run], size, width);
            found->norm[way] += size;
            for (int64_t k = 0; k < width; k++)
                row[k] = side->keep * kept[k] - by * sum[k];
            if (side->bias) /* of a user all pairs have read it, and of an item all users */
                descend_bias(side, once[run], all, &found->bias_norm[way]);
        }
    }
}

/* The move of alone where the two parts of a gradient nearly cancel: its length is then taken of the gradient itself. Seldom: kept out of the way. */
static __attribute__((noinline)) void cancelled(const danlu_side *sides, const int64_t *pair, float *restrict x,
                                                float *restrict y, float slope, float pull, double *norm,
                                                int64_t width)
{
    float of_x[WIDEST], of_y[WIDEST];
    for (int64_t k = 0; k < width; k++) {
        of_x[k] = slope * y[k] + pull * x[k];
        of_y[k] = slope * x[k] + pull * y[k];
    }
    float size[2] = {product(of_x, of_x, width), product(of_y, of_y, width)}, by[2];
    for (int way = 0; way < 2; way++) {
        norm[way] += size[way];
        by[way] = factor(sides + way, pair[way], size[way], width);
    }
    for (int64_t k = 0; k < width; k++) {
        x[k] = sides[0].keep * x[k] - by[0] * of_x[k];
        y[k] = sides[1].keep * y[k] - by[1] * of_y[k];
    }
}

/* A pair whose rows no other pair of the batch meets. Gradients are sums of both rows, so that their lengths follow from the rows',
   unless hardly more than rounding would be left of them: a row that is met for the first time would go anywhere then. */
INLINE void alone(const danlu_side *sides, const danlu_squares *of, const int64_t *pair, float rating, danlu_found *found,
                  int64_t width)
{
    float *restrict x = sides[0].table + pair[0] * width, *restrict y = sides[1].table + pair[1] * width;
    float xx = 0, xy = 0, yy = 0;
    for (int64_t k = 0; k < width; k++) {
        xx += x[k] * x[k];
        xy += x[k] * y[k];
        yy += y[k] * y[k];
    }
    float slope = erring(of, sides, pair, xy, rating, found), pull = of->pull;
    float both = 2 * slope * pull * xy, parts[2] = {slope * slope * yy + pull * pull * xx,
                                                    slope * slope * xx + pull * pull * yy};
    found->lengths += xx + yy;
    if (parts[0] + both < 0.01f * parts[0] || parts[1] + both < 0.01f * parts[1])
        cancelled(sides, pair, x, y, slope, pull, found->norm, width);
    else {
        float by[2], keep[2];
        for (int way = 0; way < 2; way++) {
            float size = parts[way] + both;
            found->norm[way] += size;
            by[way] = factor(sides + way, pair[way], size, width);
            keep[way] = sides[way].keep - by[way] * pull;
            by[way] *= slope;
        }
        for (int64_t k = 0; k < width; k++) {
            float own = x[k], its = y[k];
            x[k] = keep[0] * own - by[0] * its;
            y[k] = keep[1] * its - by[1] * own;
        }
    }
    if (sides[0].bias)
        for (int way = 0; way < 2; way++)
            descend_bias(sides + way, pair[way], slope, &found->bias_norm[way]);
}

INLINE void squared(const danlu_side *given, const danlu_squares *numbers, const int64_t *a, const int64_t *b,
                    const float *ratings, int64_t n, char *room, danlu_found *told, int64_t width)
{
    /* copies: what is written to a row could be theirs else, as far as the compiler knows */
    danlu_side sides[2] = {given[0], given[1]};
    danlu_squares squares = *numbers, *of = &squares;
    danlu_found sums = {0}, *found = &sums;
    int bits = 1;
    while (((int64_t)1 << bits) < 2 * n)
        bits++;
    int64_t *places = (int64_t *)room, m = 0;
    int32_t *heads = (int32_t *)(places + n);
    uint8_t *shared = (uint8_t *)(heads + ((int64_t)1 << bits));
    const int64_t *ids[2] = {a, b};
    memset(shared, 0, n);
    repeated(a, n, shared, heads, bits);
    repeated(b, n, shared, heads, bits);
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            ask_side(sides, a[i + AHEAD], width);
            ask_side(sides + 1, b[i + AHEAD], width);
        }
        if (shared[i]) {
            places[m++] = i;
            continue;
        }
        int64_t pair[2] = {a[i], b[i]};
        alone(sides, of, pair, ratings[i], found, width);
    }
    if (m)
        together(sides, of, ids, ratings, places, m, (char *)(shared + ((n + 63) & ~63)), found, width);
    *told = sums;
}

/* Bytes of memory that danlu_squared needs. */
int64_t danlu_squared_room(int64_t n, int64_t width)
{
    int64_t heads = 2;
    while (heads < 2 * n)
        heads *= 2;
    return n * 8 + heads * 4 + n + 64 + n * (6 * 8 + 4 + 4 * width) + 64;
}

/* One step; 0: nothing was done, for ids outside the tables or ratings that are not numbers of at most LARGEST. width: at most WIDEST. */
int danlu_squared(const danlu_side *sides, const danlu_squares *of, const int64_t *a, const int64_t *b,
                  const float *ratings, int64_t n, int64_t width, char *room, danlu_found *found)
{
    int bad = !danlu_within(a, n, sides[0].rows) || !danlu_within(b, n, sides[1].rows) || width > WIDEST;
    for (int64_t i = 0; i < n; i++)
        bad |= !(fabsf(ratings[i]) <= LARGEST);
    if (bad)
        return 0;
    BY_WIDTH(squared, sides, of, a, b, ratings, n, room, found)
    return 1;
}
