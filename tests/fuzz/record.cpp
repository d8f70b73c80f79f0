// The record that a companion is known by: whatever is in the file, it names nobody who is not meant.
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "companions/record.hpp"
#include "fuzz.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = "/tmp/postmultid-fuzz-record." + std::to_string(::getpid());
  std::string text = fuzz::text_of(data, size);
  std::ofstream(path, std::ios::binary) << text;
  auto record = companions::read_record(path);
  if (record) {
    fuzz::always(record->pid > 0, "a pid is a process's, not a group's");
    fuzz::always(text.find(record->boot_id) != std::string::npos, "the boot is the one that was written");
  }
  std::remove(path.c_str());
  return 0;
}
