/* A header gave each module its own copy of watched_copy; the library's is read, and nothing writes it. */
int watched_read(void);
