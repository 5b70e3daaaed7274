/* Maps of image nets as they lie in memory with channels last: (samples, height, width, channels), float32 or bfloat16.

   Sums are taken over rows of a fixed number and put together in a fixed order, in double: the bits don't depend on the number of
   threads. bfloat16 is widened to float32 for every operation and rounded once, to the nearest even, when it is written. NaN stays NaN. */

#include "numbers.h"
#include "norm.h"

int64_t danlu_version(void) { return 1; }

/* Whether the work is divided among threads at all. */
int64_t danlu_threaded(void)
{
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

/* Parts into which n positions are divided: for each one two sums of every channel. */
int64_t danlu_parts(int64_t n, int64_t channels) { return (n + rows_of(channels) - 1) / rows_of(channels); }

#define NAME(name) danlu_##name##_f
#define T float
#define LOAD load_f
#define STORE store_f
#define SMOOTH SILU
#include "of.h"
#undef NAME
#undef T
#undef LOAD
#undef STORE
#undef SMOOTH
#define NAME(name) danlu_##name##_h
#define T uint16_t
#define LOAD load_h
#define STORE store_h
#define SMOOTH QUICK
#include "of.h"
