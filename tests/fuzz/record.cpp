// The record that a companion is known by: whatever is in the file, it names nobody who is not meant.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "companions/record.hpp"
#include "fuzz.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A directory of its own: no record in one that others may write to is believed.
  static const std::string directory = "/tmp/postmultid-fuzz-record." + std::to_string(::getpid());
  static const std::string path = directory + "/record";
  std::filesystem::create_directory(directory);
  std::string text = fuzz::text_of(data, size);
  std::ofstream(path, std::ios::binary) << text;
  auto record = companions::read_record(path);
  if (record) {
    fuzz::always(record->pid > 0, "a pid is a process's, not a group's");
    fuzz::always(text.find(record->boot_id) != std::string::npos, "the boot is the one that was written");
  }
  std::filesystem::remove_all(directory);
  return 0;
}
