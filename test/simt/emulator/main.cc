#include <cstring>

#include "simt/emulator/scenario.h"

static const Scenario& find(const char* name) {
  for (const Scenario* s = Scenario::first; s; s = s->next) {
    if (std::strcmp(s->name, name) == 0) return *s;
  }
  std::fprintf(stderr, "There is no scenario %s.\n", name);
  std::exit(2);
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    find(argv[i]).body();
    std::printf("%s: done\n", argv[i]);
  }
}
