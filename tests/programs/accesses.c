/* What code does with thread-local variables.  The marks are the truth that tests/integration/code compares with:
 *
 *     tls: NAME KIND, NAME KIND ...   each variable that this line touches, and how; a KIND with ? may be missing
 *                                     (an optimiser needs no second load), several KINDs are alternatives (a|b)
 *
 * A line without a mark touches none.  "read" stands for "cannot be told", and is never wrong.
 */
#include "accesses.h"

__thread struct item *item;
static __thread struct item *list;
static __thread struct item *table[8];
static __thread struct { long used; struct item *first; char *text; } state;
static __thread int count, mode, enabled, position;
static __thread double ratio;
static __thread void (*handler)(int);
static __thread char area[24];
extern __thread struct item *elsewhere;

char *names[8];
struct item *kept;
int *where;

/* ---- writes */

void set_item(struct item *new) {
    item = new; /* tls: item write */
}

void set_null(void) {
    item = 0; /* tls: item write */
}

void set_list(struct item *new) {
    list = new; /* tls: list write */
}

void set_element(struct item *new, int at) {
    table[at] = new; /* tls: table write */
}

void set_first(struct item *new) {
    state.first = new; /* tls: state write */
}

void set_text(struct item *new) {
    state.text = new->text; /* tls: state write */
}

void set_handler(void (*function)(int)) {
    handler = function; /* tls: handler write */
}

void set_numbers(int number, double real) {
    mode = number; /* tls: mode write */
    sink(0);
    enabled = number > 3; /* tls: enabled write */
    sink(0);
    position = number; /* tls: position write */
    sink(0);
    ratio = real; /* tls: ratio write */
    sink(0);
    area[number] = 'x'; /* tls: area write */
}

void increment(void) {
    count++; /* tls: count write */
}

void scale(double by) {
    ratio *= by; /* tls: ratio write */
}

int exchange(int old) {
    return __sync_val_compare_and_swap(&count, old, 1); /* tls: count write|read-checked */
}

/* ---- used as an address */

long use(void) {
    return item->number; /* tls: item read-dereferenced */
}

long use_member(void) {
    return item->next->number; /* tls: item read-dereferenced */
}

void write_through(long number) {
    item->number = number; /* tls: item read-dereferenced */
}

long use_element(int at) {
    return table[at]->number; /* tls: table read-dereferenced */
}

char use_structure(void) {
    return state.text[3]; /* tls: state read-dereferenced */
}

char *use_as_index(void) {
    return names[position]; /* tls: position read-dereferenced */
}

void call_through(int number) {
    handler(number); /* tls: handler read-dereferenced */
}

struct item copy_all(void) {
    return *item; /* tls: item read-dereferenced */
}

long use_elsewhere(void) {
    return elsewhere->number; /* tls: elsewhere read-dereferenced */
}

long use_after_calls(void) {
    struct item *cached = item; /* tls: item read-dereferenced */
    sink(0);
    sink(&names);
    return cached->number;
}

long use_list_unchecked(void) {
    struct item *one = list; /* tls: list read-dereferenced */
    long sum = 0;
    do {
        sum += one->number;
        one = one->next;
    } while (one);
    return sum;
}

long use_in_a_loop(int times) {
    long sum = 0;
    for (int i = 0; i < times; i++) {
        sum += item->number; /* tls: item read-dereferenced */
        sink(0);
    }
    return sum;
}

long use_on_one_way(int way) {
    long number = 7;
    if (way)
        number = state.first->number; /* tls: state read-dereferenced */
    sink(0);
    return number;
}

/* ---- checked before */

long check(void) {
    if (item) /* tls: item read-checked */
        return item->number; /* tls: item read-checked? */
    return -1;
}

long check_early(void) {
    if (!item) /* tls: item read-checked */
        return -1;
    sink(0);
    return item->number; /* tls: item read-checked */
}

int check_in_condition(int a) { return a > 2 && enabled && item && item->number; } /* tls: item read-checked, enabled read-checked */

long check_by_choice(void) {
    return item ? item->number : 0; /* tls: item read-checked */
}

long check_list(long sum) { for (struct item *i = list; i; i = i->next) sum += i->number; return sum; } /* tls: list read-checked */

long check_after_calls(void) {
    struct item *cached = item; /* tls: item read-checked */
    sink(0);
    if (cached)
        return cached->number;
    return 0;
}

static inline __attribute__((always_inline)) int usable(const struct item *one) {
    return one != 0;
}

long check_in_helper(void) {
    struct item *cached = state.first; /* tls: state read-checked */
    if (usable(cached))
        return cached->number;
    return 0;
}

long check_structure(void) {
    if (state.first == 0) /* tls: state read-checked */
        return 0;
    return state.first->number; /* tls: state read-checked? */
}

long check_element(int at) {
    struct item *one = table[at]; /* tls: table read-checked */
    return one ? one->number : 0;
}

void check_call(int number) {
    if (handler) /* tls: handler read-checked */
        handler(number); /* tls: handler read-checked? */
}

void check_and_pass(void) {
    if (item) /* tls: item read-checked */
        sink(item); /* tls: item read-checked? */
}

char *check_index(void) {
    if (position < 0) /* tls: position read-checked */
        return 0;
    return names[position]; /* tls: position read-checked? */
}

int choose(void) {
    switch (mode) { /* tls: mode read-checked */
    case 0: sink(0); return 5;
    case 1: sink(names); return 9;
    case 2: sink(&kept); return 11;
    case 3: sink(&where); return 3;
    case 4: return 4;
    case 5: sink(0); return 8;
    default: return 1;
    }
}

void test_flag(void) {
    if (enabled) /* tls: enabled read-checked */
        sink(0);
}

long make_at_first_use(void) {
    if (!item) /* tls: item read-checked */
        item = make(); /* tls: item write */ /* made at first use */
    return item->number; /* tls: item read-checked? */
}

void set_if_there(struct item *new) {
    if (item) /* tls: item read-checked */
        item = new; /* tls: item write */
}

void set_if_zero(struct item *new) {
    if (!item) /* tls: item read-checked */
        sink(0);
    item = new; /* tls: item write */
}

long unlikely(void) {
    if (__builtin_expect(!item, 0)) { /* tls: item read-checked */
        sink(0);
        sink(names);
        stop();
    }
    return item->number; /* tls: item read-checked? */
}

/* ---- given away */

void pass(void) {
    sink(item); /* tls: item read-passed */
}

void pass_second(void) {
    sink_two(0, state.first); /* tls: state read-passed */
}

void pass_number(void) {
    sink_double(ratio); /* tls: ratio read-passed */
}

#define OWN_FUNCTION __attribute__((noinline, noclone))

OWN_FUNCTION long take_unchecked(int number, struct item *one) {
    sink(0);
    return one->number + number;
}

OWN_FUNCTION long take_checked(int number, struct item *one) {
    return one ? one->number : number;
}

long pass_unchecked(void) {
    return 1 + take_unchecked(5, item); /* tls: item read-passed */
}

long pass_checked(void) {
    return 1 + take_checked(6, item); /* tls: item read-passed */
}

void store(void) {
    kept = item; /* tls: item read-passed */
}

void store_in(struct item *one) {
    one->next = list; /* tls: list read-passed */
}

void pass_address(void) {
    sink(&count); /* tls: count address-taken */
}

void pass_structure(void) {
    sink(&state); /* tls: state address-taken */
}

void store_address(void) {
    where = &count; /* tls: count address-taken */
}

int *give_address(void) { return &mode; } /* tls: mode address-taken */

void pass_area(void) {
    sink(area); /* tls: area address-taken */
}

/* ---- neither */

int number(void) {
    return count + 3; /* tls: count read */
}

struct item *give(void) { return item; } /* tls: item read */

int compare(const struct item *other) {
    return other == item; /* tls: item read */
}
