/* One step of matrix factorisation on squared errors, from ids to moved rows, without writing a gradient down.

   Most pairs of a batch share neither user nor item with another one: for these both rows are read, the gradients worked out and the
   rows moved at once. Of the others the rows are copied as they come by, and their gradients then added, user by user and item by item,
   in the batch's order. All gradients are those at the rows as they were before the step. */

#define WIDEST 1024   /* numbers in a row */
#define FAR 12        /* pairs whose rows are on their way to the first cache at a time */
#define DEEP 256      /* and to the second one */
#define SPARSE 8      /* room for each id where those that come again are found: full tables are slow to search */
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

/* Asked for as rows that are read: to ask for them to be written, which they soon are, takes a fifth longer. */
INLINE void ask_side(const danlu_side *side, int64_t id, int64_t width)
{
    for (int64_t k = 0; k < width; k += 16)
        __builtin_prefetch(side->table + id * width + k, 0, 3);
    __builtin_prefetch(side->total + id, 0, 3);
    if (side->bias) {
        __builtin_prefetch(side->bias + id, 0, 3);
        __builtin_prefetch(side->bias_total + id, 0, 3);
    }
}

/* first[i]: where ids[i] comes for the first time. shared[i] |= whether it comes again. heads: 2^bits, more than n. */
INLINE void repeated(const int64_t *ids, int64_t n, int32_t *first, uint8_t *shared, int32_t *heads, int bits)
{
    memset(heads, 0, sizeof(int32_t) << bits);
    for (int64_t i = 0; i < n; i++) {
        uint64_t at = (uint64_t)ids[i] * 0x9E3779B97F4A7C15u >> (64 - bits);
        while (heads[at] && ids[heads[at] - 1] != ids[i])
            at = (at + 1) & (((uint64_t)1 << bits) - 1);
        if (heads[at])
            shared[i] = shared[first[i] = heads[at] - 1] = 1;
        else
            heads[at] = (first[i] = (int32_t)i) + 1;
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

/* Memory for pairs of which a row is met again. rows: of each, its two rows as they were. places: in the batch. slopes: of their scores.
   first: see repeated. where: of what stands first, which of these pairs it is. next, last: chains of those with the same row. */
typedef struct {
    float *rows[2], *slopes;
    int32_t *first[2], *places, *where, *next, *last;
} danlu_met;

INLINE void meet(const danlu_side *sides, const danlu_squares *of, const int64_t *pair, float rating, const danlu_met *met,
                 int64_t j, danlu_found *found, int64_t width)
{
    float *kept[2];
    for (int way = 0; way < 2; way++) {
        kept[way] = met->rows[way] + j * width;
        memcpy(kept[way], sides[way].table + pair[way] * width, width * sizeof(float));
        found->lengths += product(kept[way], kept[way], width);
    }
    met->slopes[j] = erring(of, sides, pair, product(kept[0], kept[1], width), rating, found);
}

/* The m pairs that were met, on one side: whoever comes again is moved once, by the sum. */
INLINE void together(const danlu_side *side, int way, const int64_t *ids, float pull, const danlu_met *met, int64_t m,
                     danlu_found *found, int64_t width)
{
    const int32_t *first = met->first[way], *places = met->places;
    int32_t *where = met->where, *next = met->next, *last = met->last;
    float sum[WIDEST];
    for (int32_t j = 0; j < m; j++) {
        int32_t place = places[j], head = j;
        next[j] = -1;
        if (first[place] == place)
            where[place] = j;
        else {
            head = where[first[place]];
            next[last[head]] = j;
        }
        last[head] = j;
    }
    for (int64_t j = 0; j < m; j++) {
        if (j + FAR < m)
            ask_side(side, ids[places[j + FAR]], width);
        if (first[places[j]] != places[j])
            continue;
        const float *kept = met->rows[way] + j * width;
        float slope = met->slopes[j], all = slope;
        const float *other = met->rows[!way] + j * width;
        int64_t count = 1;
        for (int64_t k = 0; k < width; k++)
            sum[k] = slope * other[k];
        for (int32_t i = next[j]; i >= 0; i = next[i], count++) {
            slope = met->slopes[i];
            other = met->rows[!way] + i * width;
            for (int64_t k = 0; k < width; k++)
                sum[k] += slope * other[k];
            all += slope;
        }
        float held = pull * (float)count;
        for (int64_t k = 0; k < width; k++)
            sum[k] += held * kept[k];
        int64_t id = ids[places[j]];
        float size = product(sum, sum, width), by = factor(side, id, size, width), *row = side->table + id * width;
        found->norm[way] += size;
        for (int64_t k = 0; k < width; k++)
            row[k] = side->keep * kept[k] - by * sum[k];
        if (side->bias) /* all pairs have read it */
            descend_bias(side, id, all, &found->bias_norm[way]);
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
    while (((int64_t)1 << bits) < SPARSE * n)
        bits++;
    danlu_met met;
    int64_t m = 0;
    met.rows[0] = (float *)room;
    met.rows[1] = met.rows[0] + n * width;
    met.slopes = met.rows[1] + n * width;
    int32_t *whole = (int32_t *)(met.slopes + n);
    met.first[0] = whole;
    met.first[1] = whole + n;
    met.places = whole + 2 * n;
    met.where = whole + 3 * n;
    met.next = whole + 4 * n;
    met.last = whole + 5 * n;
    int32_t *heads = whole + 6 * n;
    uint8_t *shared = (uint8_t *)(heads + ((int64_t)1 << bits));
    memset(shared, 0, n);
    repeated(a, n, met.first[0], shared, heads, bits);
    for (int64_t i = 0; i < n && i < DEEP; i++) {
        ask(sides[0].table + a[i] * width, width, 0);
        ask(sides[1].table + b[i] * width, width, 0);
    }
    repeated(b, n, met.first[1], shared, heads, bits);
    for (int64_t i = 0; i < n; i++) {
        if (i + DEEP < n) {
            ask(sides[0].table + a[i + DEEP] * width, width, 0);
            ask(sides[1].table + b[i + DEEP] * width, width, 0);
        }
        if (i + FAR < n) {
            ask_side(sides, a[i + FAR], width);
            ask_side(sides + 1, b[i + FAR], width);
        }
        int64_t pair[2] = {a[i], b[i]};
        if (shared[i]) {
            met.places[m] = (int32_t)i;
            meet(sides, of, pair, ratings[i], &met, m++, found, width);
        } else
            alone(sides, of, pair, ratings[i], found, width);
    }
    together(sides, 0, a, of->pull, &met, m, found, width);
    together(sides + 1, 1, b, of->pull, &met, m, found, width);
    *told = sums;
}

/* Bytes of memory that danlu_squared needs. */
int64_t danlu_squared_room(int64_t n, int64_t width)
{
    int64_t heads = 2; /* as above */
    while (heads < SPARSE * n)
        heads *= 2;
    return n * (8 * width + 4 + 6 * 4 + 1) + heads * 4;
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
