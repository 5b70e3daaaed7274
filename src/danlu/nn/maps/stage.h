/* A convolution with what is behind it, there and back, in one call each: between two calls a kernel has swept the caller's code from the
   caches, and whatever it does costs ten times as much. */

/* Where there is no norm, weight is NULL and only the convolution is done, and the pool on it. by: the activation. */
typedef struct {
    const float *weight, *bias;
    float *mean, *variance, *kept; /* running statistics, and what is kept (4, outputs) */
    float eps, momentum;
    int64_t by;
} Norm;

static int64_t align(int64_t size) { return up(size, 64); }

static int64_t groups_of(const Job *job) { return (job->samples + group_of(job) - 1) / group_of(job); }

static int64_t sums_room(const Job *job) { return align(groups_of(job) * 2 * job->outputs * sizeof(float)); }

/* Bytes to work in. */
int64_t danlu_forward_room(const Job *job, int64_t threads)
{
    return align(packed(job) * sizeof(Half)) + sums_room(job) + most(convolve_room(job, 0), convolve_room(job, 1)) * threads;
}

/* z: what the norm is given, where there is one; y, of which the greatest of every 2 × 2 where there is a which. steps: distances in
   ``filters`` between outputs, channels, rows and columns. */
void danlu_forward(const Job *job, const Half *x, const float *filters, const int64_t *steps, const Norm *norm, Half *z, Half *y,
                   uint8_t *which, char *room, int64_t threads)
{
    Half *tiles = (Half *)room;
    float *sums = (float *)(room + align(packed(job) * sizeof(Half)));
    char *rest = (char *)sums + sums_room(job);
    int64_t each = job->down * job->right, n = job->samples * each, o = job->outputs;
    pack(job, filters, steps, tiles);
    if (norm->weight == NULL) {
        convolve(job, x, tiles, y, which, NULL, rest, threads);
        return;
    }
    convolve(job, x, tiles, z, NULL, sums, rest, threads);
    danlu_settle(sums, group_of(job) * each, n, o, norm->weight, norm->bias, norm->eps, norm->momentum, norm->mean, norm->variance,
                 norm->kept);
    if (which)
        apply_pool(job, z, norm->kept, norm->by, y, which, threads);
    else
        apply_h(z, y, n, o, norm->kept, norm->by, threads);
}

/* The way back of the convolution: of each remainder of rows and columns (jobs) the place in a kernel at which its numbers begin, in rows
   and columns. hull: of all together. stride: between the numbers of a kernel that one of them takes. */
typedef struct {
    const Job *hull, *jobs;
    const int64_t *starts; /* (count, 2) */
    int64_t count, stride;
} WayBack;

static int64_t slopes_room(const Job *job) { return align(slope_parts(job) * 2 * job->outputs * sizeof(float)); }

static int64_t tiles_room(const WayBack *way)
{
    int64_t size = align(way->count * sizeof(Half *));
    for (int64_t k = 0; k < way->count; k++)
        size += align(packed(way->jobs + k) * sizeof(Half));
    return size;
}

int64_t danlu_backward_room(const Job *job, const WayBack *way, int64_t threads)
{
    int64_t n = job->samples * job->down * job->right, o = job->outputs;
    return slopes_room(job) + align(3 * o * sizeof(float)) + align(n * o * sizeof(Half)) + tiles_room(way) + back_room(job, way->hull, threads);
}

/* Gradients of filters (outputs, rows, columns, channels), of a norm's weight and bias, and of x where there is a gx, from that of y in
   ``slopes``, whose room isn't yet anywhere. weight: of the norm. steps: as in danlu_forward. */
void danlu_backward(const Job *job, const WayBack *way, const Slopes *slopes, const Half *x, const float *filters, const int64_t *steps,
                    const float *weight, float *gfilters, float *gweight, float *gbias, Half *gx, char *room, int64_t threads)
{
    int64_t n = job->samples * job->down * job->right, o = job->outputs;
    Slopes left = *slopes;
    if (weight) {
        float *parts = (float *)room, *through = (float *)(room += slopes_room(job));
        Half *sloped = slopes->by == SILU ? (Half *)(room += align(3 * o * sizeof(float))) : NULL; /* dear to work out */
        slopes_of(job, slopes, parts, sloped, threads);
        danlu_settle_back(parts, slope_parts(job), n, o, weight, slopes->kept, gweight, gbias, through);
        left.room = through;
        if (sloped)
            left.g = sloped, left.by = NONE, room += align(n * o * sizeof(Half));
        else
            room += align(3 * o * sizeof(float));
    }
    const int64_t turned[4] = {steps[1], steps[0], -way->stride * steps[2], -way->stride * steps[3]};
    const Half **tiles = (const Half **)room;
    room += align(way->count * sizeof(Half *));
    for (int64_t k = 0; gx && k < way->count; k++) {
        tiles[k] = (const Half *)room;
        pack(way->jobs + k, filters + way->starts[2 * k] * steps[2] + way->starts[2 * k + 1] * steps[3], turned, (Half *)room);
        room += align(packed(way->jobs + k) * sizeof(Half));
    }
    back(job, way->hull, &left, x, gfilters, way->jobs, tiles, way->count, gx, room, threads);
}
