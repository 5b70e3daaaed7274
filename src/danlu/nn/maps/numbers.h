/* Numbers by sixteen, and what activations do with them. */

#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define LANES 16
typedef float Reals __attribute__((vector_size(64)));
typedef double Wide __attribute__((vector_size(128)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef int32_t Whole __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));
typedef uint8_t Bytes __attribute__((vector_size(16)));

enum { NONE, RELU, SILU, QUICK }; /* QUICK: a SiLU as exact as a bfloat16 shows, where the processor has a way to it */

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
#ifdef __AVX512BF16__
    __m256bh short_ = _mm512_cvtneps_pbh((__m512)value);
    memcpy(to, &short_, sizeof short_);
#else
    Words bits = (Words)value, nan = (Words)(value != value);
    Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    Halves found = __builtin_convertvector((rounded & ~nan) | (0x7fc0u & nan), Halves);
    memcpy(to, &found, sizeof found);
#endif
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

/* 0 from where 1 + e^-z is no float32 any more: a number far below is nothing then, as in torch, and the infinite NaN. */
static inline Reals sigmoid(Reals z) { return pick(z < -88.37f, all(0), 1.0f / (1.0f + exponential(-z))); }

/* The same to 4e-6 of itself, and 0 a little sooner. */
static inline Reals quick_sigmoid(Reals z)
{
#ifdef __AVX512F__
    __m512 x = (__m512)(z * -1.44269504f); /* 2^x; of a NaN the second is taken */
    x = _mm512_max_ps(_mm512_set1_ps(-126), _mm512_min_ps(_mm512_set1_ps(126), x));
    __m512 whole = _mm512_roundscale_ps(x, 8);
    Reals rest = (Reals)_mm512_sub_ps(x, whole), sum = all(9.560510206e-3f);
    sum = sum * rest + 5.591703917e-2f;
    sum = sum * rest + 2.402498111e-1f;
    sum = sum * rest + 6.931219677e-1f;
    sum = sum * rest + 9.999991909e-1f;
    Reals under = 1.0f + (Reals)_mm512_scalef_ps((__m512)sum, whole), share = (Reals)_mm512_rcp14_ps((__m512)under);
    __mmask16 some = _mm512_cmp_ps_mask((__m512)z, _mm512_set1_ps(-87.33f), _CMP_NLT_UQ);
    return (Reals)_mm512_maskz_mul_ps(some, (__m512)share, (__m512)(2.0f - under * share)); /* Newton's step: twice the digits */
#else
    return sigmoid(z);
#endif
}

static inline Reals activated(Reals z, int64_t by)
{
    if (by == RELU)
        return pick(z <= 0.0f, all(0), z);
    if (by == SILU)
        return pick(z < -88.37f, z * 0.0f, z / (1.0f + exponential(-z)));
    if (by == QUICK)
        return z * quick_sigmoid(z);
    return z;
}

/* g times the activation's slope at z */
static inline Reals against(Reals g, Reals z, int64_t by)
{
    if (by == RELU)
        return pick(z <= 0.0f, all(0), g);
    if (by == SILU || by == QUICK) {
        Reals share = by == SILU ? sigmoid(z) : quick_sigmoid(z);
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
