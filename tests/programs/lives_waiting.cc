// Objects one of which waits in its constructor for ever, where wait_in_constructor does.
#include "lives.h"

struct Waiting {
    long value = 1;
    Waiting() {
        wait_in_constructor();
        lives_made("waiting");
    }
};

static thread_local long number_before = lives_number("number_before", 5);
static thread_local Noted before("before");
thread_local Waiting waiting;
static thread_local long number_behind = lives_number("number_behind", 6);

void use_waiting() {
    waiting.value += number_before + number_behind;
    before.used++;
}
