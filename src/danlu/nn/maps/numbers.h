/* Numbers by sixteen, and what activations do with them. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
typedef float Reals __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef int32_t Whole __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));
typedef uint8_t Bytes __attribute__((vector_size(16)));

enum { NONE, RELU, SILU };

static inline Reals load_f(const float *from)
{
    Reals found;
    memcpy(&found, from, sizeof found);
    return found;
}

static inline void store_f(float *to, Reals value) { memcpy(to, &value, sizeof value); }

static inline Reals load_h(const uint16_t *from)
{
    Halves found;
    memcpy(&found, from, sizeof found);
    return (Reals)(__builtin_convertvector(found, Words) << 16);
}

static inline void store_h(uint16_t *to, Reals value)
{
    Words bits = (Words)value, nan = (Words)(value != value);
    Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    Halves found = __builtin_convertvector((rounded & ~nan) | (0x7fc0u & nan), Halves);
    memcpy(to, &found, sizeof found);
}

static inline Reals pick(Whole where, Reals one, Reals other)
{
    return (Reals)(((Words)one & (Words)where) | ((Words)other & ~(Words)where));
}

static inline Reals all(float value) { return (Reals){0} + value; }

/* e^x to about 1e-7, after Cephes' expf; x is held within what a float32 can hold. */
static inline Reals exponential(Reals x)
{
    x = pick(x < -87.33f, all(-87.33f), x);
    x = pick(x > 88.37f, all(88.37f), x);
    Reals whole = (x * 1.44269504f + 12582912.0f) - 12582912.0f; /* to the nearest whole number: 1.5 · 2^23 leaves no fraction */
    Reals rest = x - whole * 0.693359375f + whole * 2.12194440e-4f;
    Reals sum = all(1.9875691500e-4f);
    sum = sum * rest + 1.3981999507e-3f;
    sum = sum * rest + 8.3334519073e-3f;
    sum = sum * rest + 4.1665795894e-2f;
    sum = sum * rest + 1.6666665459e-1f;
    sum = sum * rest + 5.0000001201e-1f;
    sum = sum * rest * rest + rest + 1.0f;
    Words power = ((Words)__builtin_convertvector(whole, Whole) + 127u) << 23;
    return sum * (Reals)power;
}

static inline Reals activated(Reals z, int64_t by)
{
    if (by == RELU)
        return pick(z <= 0.0f, all(0), z);
    if (by == SILU)
        return z / (1.0f + exponential(-z));
    return z;
}

/* g times the activation's slope at z */
static inline Reals against(Reals g, Reals z, int64_t by)
{
    if (by == RELU)
        return pick(z <= 0.0f, all(0), g);
    if (by == SILU) {
        Reals share = 1.0f / (1.0f + exponential(-z));
        return g * share * (1.0f + z * (1.0f - share));
    }
    return g;
}

static int64_t rows_of(int64_t channels)
{
    int64_t rows = 8192 / channels; /* as many as the first cache holds twice */
    return rows < 16 ? 16 : rows;
}

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
