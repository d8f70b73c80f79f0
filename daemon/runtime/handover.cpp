#include "runtime/handover.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace postmultid::model {

// clang-format off
NLOHMANN_JSON_SERIALIZE_ENUM(Missing, {{Missing::nothing, "nothing"},
                                       {Missing::address, "address"},
                                       {Missing::port, "port"},
                                       {Missing::mount, "mount"},
                                       {Missing::space, "space"},
                                       {Missing::name, "name"},
                                       {Missing::lock, "lock"},
                                       {Missing::answer, "answer"}})
// clang-format on

}  // namespace postmultid::model

namespace postmultid::runtime {

using model::Fault;
using nlohmann::json;
using supervision::Duration;
using supervision::Exit;
using supervision::Failure;
using supervision::Instant;
using supervision::Remembered;

namespace {

constexpr int kVersion = 1;
// More than the core itself ever keeps: whoever has written more than that was not it.
constexpr std::size_t kMost = 100'000;

std::int64_t to_number(Instant instant) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(instant.time_since_epoch()).count();
}

json of(const Exit& exit) {
  json written{{"cause", exit.cause},
               {"signal", exit.signal},
               {"signal_name", exit.signal_name},
               {"core_dumped", exit.core_dumped},
               {"words", exit.words},
               {"missing", exit.missing}};
  if (exit.status) written["status"] = *exit.status;
  return written;
}

json of(const Fault& fault) {
  return {{"class", fault.kind}, {"code", fault.code},          {"message", fault.message},
          {"hint", fault.hint},  {"missing", fault.missing},    {"holder", fault.holder},
          {"log", fault.log},    {"last_good", fault.last_good}};
}

json of(const Failure& failure) {
  return {{"at", to_number(failure.at)}, {"what", failure.what},     {"fault", of(failure.fault)},
          {"pid", failure.pid},          {"exit", of(failure.exit)}, {"times", failure.times}};
}

json of(const Remembered& member) {
  json written{
      {"desired", member.desired},     {"wished", member.wished},     {"enabled", member.enabled},
      {"touched", member.touched},     {"master", member.master},     {"alive", member.alive},
      {"ending", member.ending},       {"stopped", member.stopped},   {"stopped_outside", member.stopped_outside},
      {"suspended", member.suspended}, {"restarts", member.restarts}, {"streak", member.streak},
      {"restarted_at", json::array()}, {"failures", json::array()},   {"operations", json::array()}};
  if (member.drain) written["drain_ms"] = member.drain->count();
  if (member.last_exit)
    written["last_exit"] = of(*member.last_exit), written["exited_at"] = to_number(member.exited_at);
  for (Instant each : member.restarted_at) written["restarted_at"].push_back(to_number(each));
  for (const Failure& each : member.failures) written["failures"].push_back(of(each));
  for (model::OperationId each : member.operations) written["operations"].push_back(each.number);
  return written;
}

/// Reads with one clock in hand.
struct Reader {
  Instant now;

  /// A fraction or a number of twenty digits would be converted to anything.
  template <typename Number>
  static Number number(const json& written) {
    if (!written.is_number_integer()) throw std::runtime_error("a number is none");
    bool fits = written.is_number_unsigned() ? std::in_range<Number>(written.get<std::uint64_t>())
                                             : std::in_range<Number>(written.get<std::int64_t>());
    if (!fits) throw std::runtime_error("a number is out of its range");
    return written.get<Number>();
  }

  Instant instant(const json& written) const {
    auto since_boot = std::chrono::nanoseconds(number<std::int64_t>(written));
    return std::min(now, Instant(std::chrono::duration_cast<Instant::duration>(since_boot)));
  }

  static const json& some(const json& list) {
    if (!list.is_array() || list.size() > kMost) throw std::runtime_error("a list is none, or is too long");
    return list;
  }

  static Exit exit(const json& written) {
    Exit exit;
    written.at("cause").get_to(exit.cause);
    exit.signal = number<int>(written.at("signal"));
    written.at("signal_name").get_to(exit.signal_name);
    written.at("core_dumped").get_to(exit.core_dumped);
    written.at("words").get_to(exit.words);
    written.at("missing").get_to(exit.missing);
    if (auto status = written.find("status"); status != written.end()) exit.status = number<int>(*status);
    return exit;
  }

  static Fault fault(const json& written) {
    Fault fault;
    written.at("class").get_to(fault.kind);
    written.at("code").get_to(fault.code);
    written.at("message").get_to(fault.message);
    written.at("hint").get_to(fault.hint);
    written.at("missing").get_to(fault.missing);
    fault.holder = number<int>(written.at("holder"));
    some(written.at("log")).get_to(fault.log);
    written.at("last_good").get_to(fault.last_good);
    return fault;
  }

  Failure failure(const json& written) const {
    Failure failure;
    failure.at = instant(written.at("at"));
    written.at("what").get_to(failure.what);
    failure.fault = fault(written.at("fault"));
    failure.pid = number<int>(written.at("pid"));
    failure.exit = exit(written.at("exit"));
    failure.times = number<unsigned>(written.at("times"));
    return failure;
  }

  Remembered member(const json& written) const {
    Remembered member;
    written.at("desired").get_to(member.desired);
    written.at("wished").get_to(member.wished);
    written.at("enabled").get_to(member.enabled);
    written.at("touched").get_to(member.touched);
    member.master = number<int>(written.at("master"));
    written.at("alive").get_to(member.alive);
    member.ending = written.value("ending", false);  // not known to the first of this version
    written.at("stopped").get_to(member.stopped);
    written.at("stopped_outside").get_to(member.stopped_outside);
    written.at("suspended").get_to(member.suspended);
    member.restarts = number<std::uint64_t>(written.at("restarts"));
    member.streak = number<unsigned>(written.at("streak"));
    if (auto limit = written.find("drain_ms"); limit != written.end())
      member.drain = Duration(number<std::int32_t>(*limit));
    if (auto ended = written.find("last_exit"); ended != written.end()) {
      member.last_exit = exit(*ended);
      member.exited_at = instant(written.at("exited_at"));
    }
    for (const json& each : some(written.at("restarted_at"))) member.restarted_at.push_back(instant(each));
    std::ranges::sort(member.restarted_at);
    for (const json& each : some(written.at("failures"))) member.failures.push_back(failure(each));
    for (const json& each : some(written.at("operations"))) member.operations.push_back({number<std::uint64_t>(each)});
    return member;
  }
};

}  // namespace

std::string to_text(const Handover& handover, const std::string& boot_id) {
  json members = json::object();
  for (const auto& [id, member] : handover.members) members[id.text] = of(member);
  json written{{"version", kVersion},           {"boot_id", boot_id},
               {"members", std::move(members)}, {"operations", handover.operations},
               {"events", handover.events},     {"stopping", handover.stopping}};
  // A log line may be in any encoding.
  return written.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

model::Result<Handover> read_handover(const std::string& text, const std::string& boot_id, Instant now) {
  try {
    json written = json::parse(text);
    if (int version = Reader::number<int>(written.at("version")); version != kVersion)
      return model::failure("is of version " + std::to_string(version) + ", which this postmultid does not know");
    if (written.at("boot_id") != boot_id) return model::failure("is of another boot");
    Handover handover;
    Reader read{now};
    for (const auto& [id, member] : written.at("members").items())
      handover.members[model::MemberId{id}] = read.member(member);
    for (const json& each : Reader::some(written.at("operations"))) {
      if (const json& by = each.at("requested_by"); !by.is_null()) {
        Reader::number<int>(by.at("pid"));
        Reader::number<unsigned>(by.at("uid"));
      }
      handover.operations.push_back(each);
    }
    for (const json& each : Reader::some(written.at("events"))) {
      Reader::number<std::uint64_t>(each.at("number"));
      handover.events.push_back(each);
    }
    written.at("stopping").get_to(handover.stopping);
    return handover;
  } catch (const std::exception& e) {
    return model::failure(std::string("cannot be understood: ") + e.what());
  }
}

}  // namespace postmultid::runtime
