// The other static variable of the same name, which has another type.
#include "zoo.h"
#include "zoo_names.h"

static thread_local int same_name = 5;

void describe_names_b(const Plan &plan) {
    same_name += plan.number;
    truth_number({"'zoo_names_b.cc'::same_name", "_ZL9same_name", PROGRAM}, &same_name, "%d", same_name);
}
