/* C knows nothing of constructors. */
struct table {
    int *entries;
};

extern __thread struct table table;

int peek(void) {
    return table.entries[1];
}
