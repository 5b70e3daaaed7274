/* One token of few texts through the layers of a decoder: mostly reading its weights once, whatever the number of texts.

   Each number is worked out by one thread, in an order that neither the number of threads nor that of texts changes: a text alone gets
   the bits that it gets among others. Widths are multiples of LANES. */

#include "../maps/numbers.h"

#define TEXTS 4    /* whose sums stand in registers at a time */
#define OUT 4      /* rows of weights that are read at a time */
#define AHEAD 8192 /* bytes */

enum { RELUS, GELUS, SILUS };

typedef struct {
    const float *weight, *bias;
} Pair;

/* Those that a layer doesn't have are NULL. */
typedef struct {
    Pair norm1, inside, outside, norm2, query, answer, norm3, first, last;
} Layer;

typedef struct {
    int64_t layers, width, heads, hidden, targets, by, threads;
    float eps;
    const Layer *layer;
    Pair norm, head;
} Net;

/* Keys and values (L, 2, B, H, room, d) of size places; mask (B, room), added to scores, or NULL. */
typedef struct {
    float *both;
    const float *mask;
    int64_t room, size;
} Kept;

int64_t danlu_version(void) { return 1; }

#ifdef _OPENMP
extern int omp_get_thread_num(void);
#define ME omp_get_thread_num()
int64_t danlu_threaded(void) { return 1; }
#else
#define ME 0
int64_t danlu_threaded(void) { return 0; }
#endif

#ifdef __clang__
#define TAKE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define TAKE(a, b, ...) __builtin_shuffle(a, b, (Whole){__VA_ARGS__})
#endif

/* Halves, quarters: of each 2, 4, … lanes of both, what their sum is made of. */
static inline Reals halves(Reals a, Reals b)
{
    return TAKE(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
           TAKE(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}

static inline Reals quarters(Reals a, Reals b)
{
    return TAKE(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
           TAKE(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}

/* The sums of four vectors. */
static inline void sums(const Reals *each, float *found)
{
    Reals parts = quarters(halves(each[0], each[1]), halves(each[2], each[3]));
    parts += TAKE(parts, parts, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    parts += TAKE(parts, parts, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    for (int i = 0; i < 4; i++)
        found[i] = parts[4 * i];
}

static inline float sum(Reals each)
{
    Reals four[4] = {each, all(0), all(0), all(0)};
    float found[4];
    sums(four, found);
    return found[0];
}

/* found[r][j] = w[j]·x[r] for a few rows of weights and texts, whose numbers lie ``in`` apart. */
static inline __attribute__((always_inline)) void dots(const float *w, int64_t in, const float *x, int64_t apart, const int texts,
                                                       const int out, int ask, float found[TEXTS][OUT])
{
    Reals total[TEXTS][OUT];
    for (int r = 0; r < texts; r++)
        for (int j = 0; j < OUT; j++)
            total[r][j] = all(0);
    for (int64_t k = 0; k < in; k += LANES) {
        for (int j = 0; j < out; j++) {
            const float *from = w + j * in + k;
            if (ask)
                __builtin_prefetch((const char *)from + AHEAD, 0, 3);
            Reals weights = load_f(from);
            for (int r = 0; r < texts; r++)
                total[r][j] += weights * load_f(x + r * apart + k);
        }
    }
    for (int r = 0; r < texts; r++)
        sums(total[r], found[r]);
}

/* y = x·wᵀ + b, or y += …, for rows ``o`` … ``o + out`` of w. x (texts, in), y (texts, to). */
static inline __attribute__((always_inline)) void some(Pair layer, const float *x, int64_t texts, int64_t in, int64_t o, const int out,
                                                       float *y, int64_t to, int adds)
{
    float found[TEXTS][OUT];
    const float *w = layer.weight + o * in;
    for (int64_t r = 0; r < texts; r += TEXTS) {
        const float *from = x + r * in;
        int64_t few = least(TEXTS, texts - r);
        int ask = r == 0;
        if (few == 4)
            dots(w, in, from, in, 4, out, ask, found);
        else if (few == 3)
            dots(w, in, from, in, 3, out, ask, found);
        else if (few == 2)
            dots(w, in, from, in, 2, out, ask, found);
        else
            dots(w, in, from, in, 1, out, ask, found);
        for (int64_t i = 0; i < few; i++)
            for (int j = 0; j < out; j++) {
                float *at = y + (r + i) * to + o + j;
                *at = found[i][j] + (layer.bias ? layer.bias[o + j] : 0) + (adds ? *at : 0);
            }
    }
}

/* A part of the threads' work on a linear layer; all of them meet at its end. */
static void linear(Pair layer, const float *x, int64_t texts, int64_t in, float *y, int64_t to, int adds)
{
    int64_t blocks = to / OUT;
#pragma omp for schedule(static) nowait
    for (int64_t block = 0; block < blocks; block++)
        some(layer, x, texts, in, block * OUT, OUT, y, to, adds);
#pragma omp single
    for (int64_t o = blocks * OUT; o < to; o++)
        some(layer, x, texts, in, o, 1, y, to, adds);
}

static void norm(Pair layer, const float *x, int64_t texts, int64_t width, float eps, float *y)
{
    for (int64_t r = 0; r < texts; r++, x += width, y += width) {
        Reals total = all(0), squares = all(0);
        for (int64_t k = 0; k < width; k += LANES)
            total += load_f(x + k);
        Reals mean = all(sum(total) / width);
        for (int64_t k = 0; k < width; k += LANES) {
            Reals off = load_f(x + k) - mean;
            squares += off * off;
        }
        Reals by = all(1.0f / sqrtf(sum(squares) / width + eps));
        for (int64_t k = 0; k < width; k += LANES)
            store_f(y + k, (load_f(x + k) - mean) * by * load_f(layer.weight + k) + load_f(layer.bias + k));
    }
}

/* x·Φ(x), with the error function of Abramowitz & Stegun, 7.1.26: to about 1e-7. */
static inline Reals gelu(Reals x)
{
    Reals z = x * 0.70710678f, size = pick(z < 0.0f, -z, z);
    Reals t = 1.0f / (1.0f + 0.3275911f * size);
    Reals tail = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
    tail *= 0.5f * exponential(-z * z);
    return x * pick(z < 0.0f, tail, 1.0f - tail);
}

static void activate(float *x, int64_t n, int64_t by)
{
    int64_t vectors = n / LANES;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < vectors; i++) {
        Reals value = load_f(x + i * LANES);
        store_f(x + i * LANES, by == GELUS ? gelu(value) : activated(value, by == SILUS ? SILU : RELU));
    }
}

/* One text's head: softmax(q·kᵀ / √d + mask)·v. room: size numbers and LANES more. */
static void look(const float *q, const float *keys, const float *values, const float *mask, int64_t size, int64_t width, float *room,
                 float *found)
{
    float by = 1.0f / sqrtf((float)width), most = -INFINITY, four[TEXTS][OUT];
    for (int64_t p = 0; p < size; p += OUT) {
        int64_t few = least(OUT, size - p);
        if (few == OUT)
            dots(keys + p * width, width, q, width, 1, OUT, 0, four);
        else
            for (int64_t j = 0; j < few; j++) {
                float one[TEXTS][OUT];
                dots(keys + (p + j) * width, width, q, width, 1, 1, 0, one);
                four[0][j] = one[0][0];
            }
        for (int64_t j = 0; j < few; j++) {
            room[p + j] = four[0][j] * by + (mask ? mask[p + j] : 0);
            most = most > room[p + j] ? most : room[p + j];
        }
    }
    for (int64_t p = size; p < size + LANES; p++)
        room[p] = -INFINITY;
    Reals total = all(0);
    for (int64_t p = 0; p < size; p += LANES) {
        Reals score = load_f(room + p), share = exponential(score - most);
        share = pick(score == -INFINITY, all(0), share);
        total += share;
        store_f(room + p, share);
    }
    Reals part = all(1.0f / sum(total));
    for (int64_t k = 0; k < width; k += LANES) {
        Reals mixed[OUT] = {all(0), all(0), all(0), all(0)}; /* none waits for the one before */
        int64_t p = 0;
        for (; p + OUT <= size; p += OUT)
            for (int j = 0; j < OUT; j++)
                mixed[j] += room[p + j] * load_f(values + (p + j) * width + k);
        for (; p < size; p++)
            mixed[0] += room[p] * load_f(values + p * width + k);
        store_f(found + k, (mixed[0] + mixed[1] + mixed[2] + mixed[3]) * part);
    }
}

/* Of all heads. q (B, ·), ``apart`` numbers from text to text; found (B, H·d). room: (B·H, longest + LANES). */
static void attend(const Net *net, const Kept *kept, int64_t layer, int64_t texts, const float *q, int64_t apart, float *room,
                   int64_t longest, float *found)
{
    int64_t width = net->width / net->heads, one = kept->room * width, half = texts * net->heads * one;
    const float *both = kept->both + layer * 2 * half;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < texts * net->heads; i++) {
        int64_t text = i / net->heads, head = i % net->heads;
        const float *mask = kept->mask ? kept->mask + text * kept->room : 0;
        look(q + text * apart + head * width, both + i * one, both + half + i * one, mask, kept->size, width,
             room + i * (longest + LANES), found + text * net->width + head * width);
    }
}

/* The last place's keys and values out of what the layer gives, (B, 3, H, d). */
static void put(const Net *net, const Kept *kept, int64_t layer, int64_t texts, const float *parts)
{
    int64_t width = net->width / net->heads, one = kept->room * width, half = texts * net->heads * one;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < 2 * texts * net->heads; i++) {
        int64_t which = i / (texts * net->heads), text = i / net->heads % texts, head = i % net->heads;
        memcpy(kept->both + (2 * layer + which) * half + (text * net->heads + head) * one + (kept->size - 1) * width,
               parts + (3 * text + 1 + which) * net->width + head * width, width * sizeof(float));
    }
}

/* Numbers of work that danlu_write wants. */
int64_t danlu_work(const Net *net, int64_t texts, int64_t longest)
{
    return texts * ((net->threads + 4) * net->width + net->hidden + net->heads * (longest + LANES));
}

/* x (B, F): embedded tokens, which is overwritten; own: with a place for them; read: what was read, or NULL. → logits (B, targets). */
void danlu_write(const Net *net, const Kept *own, const Kept *read, int64_t texts, float *x, float *work, float *logits)
{
    const int64_t width = net->width, longest = own->size > (read ? read->size : 0) ? own->size : read->size;
    float *parts = work, *mixed = parts + texts * 3 * width, *hidden = mixed + texts * width;
    float *room = hidden + texts * net->hidden, *normed = room + texts * net->heads * (longest + LANES);
#pragma omp parallel num_threads(net->threads) if (net->threads > 1)
    {
        float *mine = normed + ME * texts * width; /* each norms all of it: that costs less than to wait for others */
        for (int64_t i = 0; i < net->layers; i++) {
            const Layer *layer = net->layer + i;
            norm(layer->norm1, x, texts, width, net->eps, mine);
            linear(layer->inside, mine, texts, width, parts, 3 * width, 0);
            put(net, own, i, texts, parts);
            attend(net, own, i, texts, parts, 3 * width, room, longest, mixed);
            linear(layer->outside, mixed, texts, width, x, width, 1);
            if (read) {
                norm(layer->norm2, x, texts, width, net->eps, mine);
                linear(layer->query, mine, texts, width, parts, width, 0);
                attend(net, read, i, texts, parts, width, room, longest, mixed);
                linear(layer->answer, mixed, texts, width, x, width, 1);
            }
            norm(layer->norm3, x, texts, width, net->eps, mine);
            linear(layer->first, mine, texts, width, hidden, net->hidden, 0);
            activate(hidden, texts * net->hidden, net->by);
            linear(layer->last, hidden, texts, net->hidden, x, width, 1);
        }
        norm(net->norm, x, texts, width, net->eps, mine);
        linear(net->head, mine, texts, width, logits, net->targets, 0);
    }
}
