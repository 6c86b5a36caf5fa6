/* Thread-local variables of types that are rare: each thread says what it has. */
#include "odd.h"
#include "truth.h"

#include <complex.h>

typedef int four_ints __attribute__((vector_size(16)));
enum negative { BELOW = -2, ABOVE = 3 };
enum huge { HUGE_ONE = 0xffffffffffffffffu };
struct incomplete;
struct nothing {
};
struct ids {
    __int128 first;
    int second;
};
struct flags {
    unsigned low : 3, middle : 12;
    signed high : 7;
    int plain;
    union {
        struct {
            unsigned first : 4, second : 4;
        };
        unsigned char whole;
    };
};

__thread unsigned __int128 odd_unsigned;
__thread __int128 odd_signed;
__thread struct ids odd_ids;
__thread _Float128 odd_quad;
__thread long double odd_extended;
__thread double complex odd_complex;
__thread four_ints odd_vector;
__thread char odd_large[1 << 16];
__thread struct incomplete *odd_incomplete;
__thread struct nothing odd_nothing;
__thread int odd_empty[0];
__thread enum negative odd_negative;
__thread enum huge odd_huge;
__thread struct flags odd_flags;
__thread struct flags odd_several[3];
__thread struct flags *odd_pointed;
__thread void (*odd_function)(int);
__thread const char *odd_literal;
__thread struct nothing *odd_constant;
__thread char *odd_global;
static const int constant = 1;
static char global[8];

static struct truth_name named(const char *variable, const char *linkage) {
    return (struct truth_name){variable, linkage, "odd"};
}

static struct truth_name here(const char *name) {
    return named(name, name);
}

/* In decimal, which printf has not for 128 bits. */
static const char *digits(__int128 value, char *end) {
    int negative = value < 0;
    unsigned __int128 left = negative ? -(unsigned __int128)value : (unsigned __int128)value;
    *--end = 0;
    do {
        *--end = (char)('0' + (int)(left % 10));
        left /= 10;
    } while (left);
    if (negative)
        *--end = '-';
    return end;
}

static void say(int number) {
    char text[64], *end = text + sizeof text;

    odd_unsigned = (unsigned __int128)(5 + number) << 100;
    odd_signed = -((__int128)(7 + number) << 90);
    odd_ids.first = -3 - number;
    odd_ids.second = number;
    odd_quad = 1.5f + (_Float128)number;
    odd_extended = 1.25L + number;
    odd_complex = number + 2.5 * I;
    odd_vector = (four_ints){number, 1, 2, 3};
    odd_large[0] = (char)('a' + number);
    odd_incomplete = (struct incomplete *)&odd_large[number];
    odd_negative = number ? BELOW : ABOVE;
    odd_huge = HUGE_ONE;
    odd_flags = (struct flags){5, 1000 + number, -3 - number, 4, {{9, 10}}};
    for (int i = 0; i < 3; i++)
        odd_several[i] = (struct flags){i, 100 * number + i, -i, i, {{i, i + 1}}};
    odd_pointed = &odd_several[1];
    odd_function = say;
    odd_literal = "a literal that all threads have";
    odd_constant = (struct nothing *)&constant;
    odd_global = global;
    odd_declared = number;

    truth_number(here("odd_unsigned"), &odd_unsigned, "%s", digits((__int128)odd_unsigned, end));
    truth_number(here("odd_signed"), &odd_signed, "%s", digits(odd_signed, end));
    truth_object(here("odd_ids"), &odd_ids);
    truth_number(named("odd_ids.first", "odd_ids"), &odd_ids.first, "%s", digits(odd_ids.first, end));
    truth_object(here("odd_quad"), &odd_quad);
    truth_object(here("odd_extended"), &odd_extended);
    truth_object(here("odd_complex"), &odd_complex);
    truth_object(here("odd_vector"), &odd_vector);
    truth_object(here("odd_large"), &odd_large);
    truth_pointer(here("odd_incomplete"), &odd_incomplete, "");
    truth_number(here("odd_negative"), &odd_negative, "%d", odd_negative);
    truth_number(here("odd_huge"), &odd_huge, "%lu", (unsigned long)odd_huge);
    truth_object(here("odd_flags"), &odd_flags);
    truth_object(here("odd_several"), &odd_several);
    truth_pointer(here("odd_pointed"), &odd_pointed, "");
    truth_pointer(here("odd_function"), &odd_function, "");
    truth_pointer(here("odd_literal"), &odd_literal, "");
    truth_pointer(here("odd_constant"), &odd_constant, "");
    truth_number(here("odd_declared"), &odd_declared, "%d", odd_declared);
    truth_pointer(here("odd_global"), &odd_global, "shared");
}

static void *worker(void *unused) {
    (void)unused;
    say(1);
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    (void)odd_empty;
    say(0);
    pthread_t thread = truth_spawn("worker", worker, NULL);
    truth_ready(1, thread);
}
