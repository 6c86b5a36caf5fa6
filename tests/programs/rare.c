/* Numbers that few programs have: what each is says test_rare.py.  The last need Clang. */
#include <complex.h>
#include <stdlib.h>

#ifdef __clang__
_Thread_local _BitInt(37) rare_bits = -5;
_Thread_local unsigned _BitInt(5) rare_few = 17;
#else
_Thread_local _Decimal32 rare_d32 = 1.5df;
_Thread_local _Decimal64 rare_d64 = -2.25dd;
_Thread_local _Decimal128 rare_d128 = 3.75dl;
_Thread_local _Float16 rare_half = 1.5f16;
_Thread_local _Float64x rare_f64x = 0.25;
_Thread_local _Float128 rare_f128 = 0.5;
_Thread_local _Float128 complex rare_quads;
_Thread_local unsigned char complex rare_bytes;
#endif
_Thread_local float complex rare_floats;
_Thread_local int complex rare_ints;
_Thread_local _Atomic int rare_atomic = 4;
_Thread_local long double rare_extended = -0.75L;
_Thread_local struct {
    unsigned narrow : 3;
    unsigned long long wide : 40;
} rare_fields;

int main(void) {
#ifdef __clang__
    rare_bits--;
    rare_few++;
#else
    rare_quads = 1 + 2 * I;
    __real__ rare_bytes = 3;
    rare_d32 += 1, rare_d64 += 1, rare_d128 += 1, rare_half += 1, rare_f64x += 1, rare_f128 += 1;
#endif
    rare_floats = 1.5f + 2 * I;
    __real__ rare_ints = -4;
    __imag__ rare_ints = 5;
    rare_atomic++;
    rare_extended -= 1;
    rare_fields.narrow = 5;
    rare_fields.wide = 1ull << 39;
    abort();
}
