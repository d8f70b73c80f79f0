// The target of a link in /proc/PID/fd.
#include "fuzz.hpp"
#include "host/proc.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string target = fuzz::text_of(data, size);
  if (auto inode = host::socket_inode(target)) {
    std::string number = std::to_string(*inode);
    fuzz::always(target.ends_with(number + "]"), "the inode is the number in the brackets");
    fuzz::always(host::socket_inode("socket:[" + number + "]") == inode, "a number survives being written");
  }
  return 0;
}
