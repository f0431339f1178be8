// Preloaded into the server: its lookups of the name "hung.test" never end.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef int Lookup(const char*, const char*, const struct addrinfo*, struct addrinfo**);

int getaddrinfo(const char* node, const char* service, const struct addrinfo* hints, struct addrinfo** found) {
  while (node != NULL && strcmp(node, "hung.test") == 0) pause();
  return ((Lookup*)dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, found);
}
