/* Products of matrices by the processor's tiles (Intel AMX): 16 × 32 numbers of bfloat16 times 32 × 16, added up in float32. */

#include "../native/turn.h"

typedef struct {
    uint8_t palette, start, unused[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} __attribute__((aligned(64))) Tiles;

static void full_tiles(void)
{
    Tiles tiles = {.palette = 1};
    for (int i = 0; i < 8; i++)
        tiles.bytes[i] = 64, tiles.rows[i] = SIDE;
    _tile_loadconfig(&tiles);
}

/* 16 or 32 (high) rows, ``gap`` numbers apart, or as tiles one after the other where ``gap`` is that of a tile, times two panels of 16 columns;
   blocks: of 32 numbers that are added up. ``along``: from one to the next in a row. */
static inline __attribute__((always_inline)) void products(const Half *rows, int64_t gap, int64_t along, int64_t lower, const Half *first,
                                                           const Half *second, int64_t blocks, const int high, float *sums, int64_t width)
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < blocks; k++, rows += along, first += DEEP * SIDE, second += DEEP * SIDE) {
        _tile_loadd(4, rows, gap * sizeof(Half));
        _tile_loadd(6, first, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, second, 64);
        _tile_dpbf16ps(1, 4, 7);
        if (high) {
            _tile_loadd(5, rows + lower, gap * sizeof(Half));
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, sums, width * sizeof(float));
    _tile_stored(1, sums + SIDE, width * sizeof(float));
    if (high) {
        _tile_stored(2, sums + SIDE * width, width * sizeof(float));
        _tile_stored(3, sums + SIDE * width + SIDE, width * sizeof(float));
    }
}

/* Rows that lie ``gap`` numbers apart; sums (16 or 32, width). */
static inline void row_products(const Half *rows, int64_t gap, const Half *first, const Half *second, int64_t blocks, int high, float *sums,
                                int64_t width)
{
    if (high)
        products(rows, gap, DEEP, SIDE * gap, first, second, blocks, 1, sums, width);
    else
        products(rows, gap, DEEP, SIDE * gap, first, second, blocks, 0, sums, width);
}
