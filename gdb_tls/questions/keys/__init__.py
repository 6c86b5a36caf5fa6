"""tls-keys: the data of pthread_setspecific."""
