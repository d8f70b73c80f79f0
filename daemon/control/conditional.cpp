#include "control/conditional.hpp"

namespace postmultid::control {

namespace {

constexpr std::string_view kBlank = " \t,";

}  // namespace

bool matches(std::string_view if_none_match, std::string_view tag) {
  std::string_view rest = if_none_match;
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
    if (rest.empty()) return false;
    if (rest.front() == '*') return true;
    if (rest.starts_with("W/")) rest.remove_prefix(2);
    // A tag may have a comma in it; what is none ends the list.
    if (!rest.starts_with('"')) return false;
    std::size_t end = rest.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (rest.substr(0, end + 1) == tag) return true;
    rest.remove_prefix(end + 1);
  }
}

Response answer_unless_known(const Request& request, const Body& body) {
  Response response{200, "application/json", "", {{"ETag", body.tag}, {"Cache-Control", "no-cache"}}, nullptr};
  auto known = request.headers.find("if-none-match");
  if (known != request.headers.end() && matches(known->second, body.tag))
    response.status = 304;
  else
    response.body = body.text;
  return response;
}

}  // namespace postmultid::control
