// Another source file: its objects have a guard of their own.
#include "lives.h"

thread_local Noted other_outer("other_outer");
static thread_local Plain other_plain("other_plain");
static thread_local long other_calls;  // not initialised dynamically

void use_other() {
    other_calls++;
    other_outer.used += other_plain.one;
}
