/* Which rows of a batch are real at which time, and where what is kept of them lies: one time after the other, the longest row first. */

#include <stdint.h>
#include <string.h>

typedef uint16_t Half; /* bfloat16 */
#define SIDE 16        /* rows and columns of a tile's sums */
#define DEEP 32        /* numbers of bfloat16 in a row of a tile */
#define MOST 64        /* rows that one thread takes through all times */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t up(int64_t a, int64_t by) { return (a + by - 1) / by * by; }

enum { LSTM, GRU };

/* One direction of a layer. Inputs are (times, rows, features), outputs (times, rows, step) of which ``hidden`` are this direction's.

   cell: LSTM or GRU. order: rows, the longest first. active (times): how many of them are real at a time. start (times + 1): how many there were before. */
typedef struct {
    int64_t cell, times, rows, features, hidden, step, reverse;
    const int64_t *order, *active, *start;
} Job;

/* A row of what is seen: features, filled up with zeros, and the state before, filled up likewise. */
static inline int64_t deep_x(const Job *job) { return up(job->features, DEEP); }
static inline int64_t wide(const Job *job) { return up(job->hidden, DEEP); }
static inline int64_t seen_of(const Job *job) { return deep_x(job) + wide(job); }

/* Numbers of a row's four gates: 16 of each beside the same 16 of the next. */
static inline int64_t gates_of(const Job *job) { return 4 * wide(job); }

/* Rows are taken by so many: few where there are many threads, since no row waits for another. Bits don't depend on it. */
static inline int64_t unit_of(const Job *job, int64_t threads)
{
    int64_t unit = MOST;
    while (unit > SIDE && up(job->rows, unit) / unit < threads)
        unit /= 2;
    return unit;
}

/* The time that is gone through as the ``step``-th, and the one after it. */
static inline int64_t time_of(const Job *job, int64_t step) { return job->reverse ? job->times - 1 - step : step; }

/* Rows that are real at the ``step``-th time too; none before the first and after the last. */
static inline int64_t active_at(const Job *job, int64_t step)
{
    return step < 0 || step >= job->times ? 0 : job->active[time_of(job, step)];
}

/* lengths (rows), held between 0 and ``times``; the order of equal ones is kept. Returns how many places there are. */
int64_t danlu_lay(const int64_t *lengths, int64_t rows, int64_t times, int64_t *order, int64_t *active, int64_t *start)
{
    memset(active, 0, times * sizeof(int64_t));
    for (int64_t row = 0; row < rows; row++) {
        int64_t length = most(0, least(lengths[row], times));
        if (length)
            active[length - 1]++;
    }
    for (int64_t t = times - 2; t >= 0; t--)
        active[t] += active[t + 1];
    start[0] = 0;
    for (int64_t t = 0; t < times; t++)
        start[t + 1] = start[t] + active[t];
    for (int64_t t = times - 1, place = 0; t >= -1; t--) /* few lengths: as quick as a sort */
        if (t < 0 ? place < rows : active[t] > place)
            for (int64_t row = 0; row < rows; row++)
                if (most(0, least(lengths[row], times)) == t + 1)
                    order[place++] = row;
    return start[times];
}
