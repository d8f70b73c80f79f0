// What Postfix's programs die of, known by their own words: what kind of failure that is, and what to do about it.
// (Most of these are provoked in tests/e2e/test_facts.py; docs/postfix-facts.md, "Last words".)
#pragma once

#include <optional>
#include <string>

#include "model/fault.hpp"

namespace postmultid::postfix {

struct KnownFatal {
  model::FailureClass kind = model::FailureClass::crash;
  const char* code = "";
  model::Missing missing = model::Missing::nothing;
  std::string subject;     // the parameter, file, program or name that it is about; empty: none
  bool parameter = false;  // the subject is a parameter of main.cf
  std::string hint;        // with {config} and {queue} for the directories of the instance
};

/// `message`: without time, tag and severity. Nothing for words that are not known. Nobody promises that they are text.
std::optional<KnownFatal> recognize(const std::string& message);

}  // namespace postmultid::postfix
