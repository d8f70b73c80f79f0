// A request that is refused: RFC 9457's fields, with a stable `code` for programs. Every code is in one table, which
// docs/openapi.yaml explains; one that is not in it does not compile.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace postmultid::model {

/// What all occurrences of a problem have in common.
struct ProblemType {
  std::string_view code;
  int status;  // of HTTP
  std::string_view title;
};

// clang-format off
inline constexpr ProblemType kProblemTypes[] = {
    {"bad-request", 400, "The request cannot be understood"},
    {"not-permitted", 403, "Not permitted"},
    {"no-such-route", 404, "There is no such route"},
    {"no-such-instance", 404, "There is no such instance"},
    {"no-such-group", 404, "There is no such group"},
    {"no-such-operation", 404, "There is no such operation"},
    {"no-log", 404, "There is no log to show"},
    {"no-such-version", 404, "There is no such version"},
    {"method-not-allowed", 405, "Method not allowed"},
    {"request-timeout", 408, "The request took too long"},
    {"stopping", 409, "postmultid is stopping"},
    {"busy", 409, "Something else is under way"},
    {"plan-outdated", 409, "The host has changed since the plan was made"},
    {"restart-needed", 409, "A restart is needed, and was not allowed"},
    {"observing", 409, "postmultid only observes"},
    {"no-pmctl", 409, "pmctl is not where postmultid was told"},
    {"change-refused", 409, "The instances stay as they are"},
    {"operation-forgotten", 410, "Too many operations since"},
    {"body-too-large", 413, "The body is too large"},
    {"expectation-failed", 417, "What is expected is not done"},
    {"misdirected-request", 421, "Not the name of this host"},
    {"bad-definition", 422, "The definition has mistakes; nothing was changed"},
    {"too-many-connections", 429, "Too many of yours"},
    {"too-many-requests", 429, "Too many of yours"},
    {"too-many-bytes", 429, "Too many of yours"},
    {"too-many-subscribers", 429, "Too many of yours"},
    {"headers-too-large", 431, "The headers are too large"},
    {"handover-failed", 500, "A step failed"},
    {"change-failed", 500, "A step failed, and what was done is undone"},
    {"inventory-unreadable", 503, "Postfix's own list cannot be read"},
    {"overloaded", 503, "Too many at a time"},
};
// clang-format on

/// A code of the table: "no-log" becomes one by itself, while compiling.
struct ProblemCode {
  consteval ProblemCode(const char* code)  // NOLINT: it is to be written as a word
      : type(std::find_if(std::begin(kProblemTypes), std::end(kProblemTypes),
                          [&](const ProblemType& each) { return each.code == code; })) {
    if (type == std::end(kProblemTypes)) throw "there is no such code";  // is no constant: does not compile
  }
  const ProblemType* type;
};

struct Problem {
  Problem() = default;
  Problem(ProblemCode known, std::string about)
      : status(known.type->status), code(known.type->code), title(known.type->title), detail(std::move(about)) {}

  int status = 400;    // of HTTP
  std::string code;    // "no-such-instance"
  std::string title;   // the same for every occurrence
  std::string detail;  // about this one, with the next step
};

/// What `type` says: a name for good, not a place to look at.
inline std::string uri_of(const Problem& problem) { return "urn:postmultid:problem:" + problem.code; }

inline void to_json(nlohmann::json& j, const Problem& problem) {
  j = {{"type", uri_of(problem)},
       {"status", problem.status},
       {"code", problem.code},
       {"title", problem.title},
       {"detail", problem.detail}};
}

inline void from_json(const nlohmann::json& j, Problem& problem) {
  j.at("status").get_to(problem.status);
  j.at("code").get_to(problem.code);
  j.at("title").get_to(problem.title);
  j.at("detail").get_to(problem.detail);
}

}  // namespace postmultid::model
