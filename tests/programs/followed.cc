// Variables whose address is given to functions: what these do with it is what the variable's users do.
#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noipa))
#endif

struct Part {
    long number = 0;
    bool engaged = false;
    bool has() const { return engaged; }
    const long &get() const { return number; }
    long &get() { return number; }
    long get_or(long other) const { return has() ? get() : other; }
    void set(long to) { get() = to, engaged = true; }
};

struct Whole {
    long first = 0;
    Part part;
};

extern "C" {
Whole *followed_kept;

__thread char followed_whole[sizeof(Whole)];
static Whole &whole() { return reinterpret_cast<Whole &>(followed_whole); }

APART long look(const Whole *of, long other) { return of->part.get_or(other); }
APART void change(Whole *of, long to) { of->part.set(to); }
APART void keep(Whole *of) { followed_kept = of; }
APART void deeper(Whole *of, long depth) {
    if (depth)
        deeper(of, depth - 1);
    else
        change(of, depth);
}
long followed_outside(const Whole *of);

long followed_reads() { return look(&whole(), 5); }                   // reads 8 and 16
void followed_writes() { change(&whole(), 7); }                       // writes 8 and 16
void followed_keeps() { keep(&whole()); }                             // anything
void followed_recursive(long depth) { deeper(&whole(), depth); }      // writes 8 and 16, or anything
long followed_gives_out() { return followed_outside(&whole()); }      // anything
}
