// docs/states.md is drawn from the machine itself: each input is given to it in each phase, and where it goes is an arrow.
// With POSTMULTID_WRITE_DIAGRAM in the environment the page is written anew.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "bench.hpp"

using namespace postmultid::test;

namespace {

bool is_wish(Input input) { return index(input) <= index(Input::want_reload); }

/// The phase after this input; the same if nothing happens.
Phase after(Bench b, Input input) {
  if (input == Input::want_reload)
    b.reload();
  else if (is_wish(input))
    b.wish(input);
  else
    b.take(input);
  return b.machine.phase();
}

std::string diagram() {
  std::ostringstream text;
  text << "```mermaid\nstateDiagram-v2\n  [*] --> unknown\n";
  for (std::size_t p = 0; p < kPhases; ++p) {
    std::map<std::size_t, std::string> arrows;  // by the phase that they lead to, in the table's order
    for (std::size_t i = 0; i < kInputs; ++i) {
      if (kMachineTable[p][i] == Step::impossible) continue;
      std::set<std::size_t> leads_to;
      for (const Bench& way : ways_to(phase_at(p))) leads_to.insert(index(after(way, input_at(i))));
      leads_to.erase(p);
      for (std::size_t to : leads_to) {
        std::string& label = arrows[to];
        label += (label.empty() ? "" : ", ") + std::string(name(input_at(i)));
      }
    }
    for (const auto& [to, label] : arrows)
      text << "  " << name(phase_at(p)) << " --> " << name(phase_at(to)) << ": " << label << "\n";
  }
  text << "```\n";
  return text.str();
}

/// What each phase is shown as, in the order of the phases.
std::string states() {
  std::ostringstream text;
  text << "| phase | shown as |\n|---|---|\n";
  for (std::size_t p = 0; p < kPhases; ++p)
    text << "| " << name(phase_at(p)) << " | " << postmultid::model::to_word(in(phase_at(p)).machine.state()) << " |\n";
  return text.str();
}

const std::string kPage =
    "# The states of a member\n\n"
    "Drawn from the machine by `tests/unit/diagram_test.cpp`, which fails when they differ; to draw it anew:\n"
    "`POSTMULTID_WRITE_DIAGRAM=1 build/tests/supervision_test`. What each input does in each phase is the table in\n"
    "`daemon/supervision/machine_table.cpp`; here is where it leads a member that was brought into the phase the "
    "shortest\n"
    "way, by a drain, or by a failure of either kind (what is wished meanwhile may lead it elsewhere).\n\n";

}  // namespace

TEST_CASE("the state diagram in docs is what the machine does") {
  std::string drawn = kPage + states() + "\n" + diagram();
  if (std::getenv("POSTMULTID_WRITE_DIAGRAM")) std::ofstream(STATES_PAGE) << drawn;
  std::ifstream page(STATES_PAGE);
  std::ostringstream written;
  written << page.rdbuf();
  CHECK(written.str() == drawn);
}
