#include "model/management.hpp"

#include <sstream>

namespace postmultid::model {

bool wrapper_is_ours(const std::string& value) {
  std::istringstream words(value);
  std::string program, verb, end, more;
  return words >> program >> verb >> end && !(words >> more) && program.ends_with("/pmctl") && verb == "postfix" &&
         end == "--";
}

}  // namespace postmultid::model
