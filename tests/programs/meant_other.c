/* A namesake in another file, and symbols as other languages' compilers write them. */
#include "truth.h"

static __thread int meant_level = 200;
__thread int hits __asm__("__state_MOD_hits") = 300;
__thread int visits __asm__("app__state__visits") = 400;
__thread int conn __asm__("_D3app5state4conni") = 500;
__thread int calls __asm__("serve.calls") = 600;
__thread int depth __asm__("_RNvNCNKNvNtCsjMaewn57Afh_1t4pool5DEPTH0023___RUST_STD_INTERNAL_VAL") = 700;

/* No thread-local variable. */
int meant_ordinary = 1;

void meant_other(int number);

static void say(const char *query, const char *linkage, int *address) {
    truth_number((struct truth_name){query, linkage, PROGRAM}, address, "%d", *address);
}

void meant_other(int number) {
    meant_level += number;
    hits += number, visits += number, conn += number, calls += number, depth += number;
    say("'meant_other.c'::meant_level", "meant_level", &meant_level);
    say("hits", "__state_MOD_hits", &hits);
    say("state::hits", "__state_MOD_hits", &hits);
    say("STATE::Hits", "__state_MOD_hits", &hits);
    say("state.visits", "app__state__visits", &visits);
    say("App.State.Visits", "app__state__visits", &visits);
    say("app.state.conn", "_D3app5state4conni", &conn);
    say("conn", "_D3app5state4conni", &conn);
    say("serve::calls", "serve.calls", &calls);
    say("serve.calls", "serve.calls", &calls);
    say("pool::DEPTH", "_RNvNCNKNvNtCsjMaewn57Afh_1t4pool5DEPTH0023___RUST_STD_INTERNAL_VAL", &depth);
    say("DEPTH", "_RNvNCNKNvNtCsjMaewn57Afh_1t4pool5DEPTH0023___RUST_STD_INTERNAL_VAL", &depth);
}
