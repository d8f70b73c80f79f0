// A request that is refused: RFC 9457's fields, with a stable `code` for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace postmultid::model {

struct Problem {
  int status = 400;    // of HTTP
  std::string code;    // "no-such-instance"
  std::string title;   // the same for every occurrence
  std::string detail;  // about this one, with the next step
};

inline void to_json(nlohmann::json& j, const Problem& problem) {
  j = {{"type", "about:blank#" + problem.code},
       {"status", problem.status},
       {"code", problem.code},
       {"title", problem.title},
       {"detail", problem.detail}};
}

inline void from_json(const nlohmann::json& j, Problem& problem) {
  problem = {j.at("status"), j.at("code"), j.at("title"), j.at("detail")};
}

}  // namespace postmultid::model
