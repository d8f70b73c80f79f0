#include "runtime/management.hpp"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/atomic_file.hpp"
#include "host/deadline.hpp"
#include "host/log.hpp"
#include "host/offload.hpp"
#include "host/own_file.hpp"

namespace postmultid::runtime {

using model::ManagementChange;
using model::Mode;
using model::Problem;
using model::Result;
using nlohmann::json;
using postfix::words;
using postfix::Wrapper;

namespace {

constexpr int kVersion = 1;
constexpr std::size_t kLargestFile = 64 * 1024;
constexpr std::chrono::seconds kSystemctlLimit{60};

/// Who only observes would leave it where it is just then: down, mostly. Empty: nobody is.
std::string in_motion(const std::vector<model::Member>& members) {
  using enum model::State;
  for (const model::Member& member : members)
    if (member.state == starting || member.state == stopping || member.state == reloading || member.state == draining)
      return member.id.text + " is " + model::to_word(member.state) +
             ": wait until that is done (pmctl op list), then try again";
  return "";
}

const char kStopping[] = "postmultid is stopping";

std::string shown(const Wrapper& wrapper) { return wrapper ? "\"" + *wrapper + "\"" : "not set"; }

}  // namespace

Management::Management(postfix::Tools& tools, Settings settings)
    : tools_(tools), settings_(std::move(settings)), facade_(settings_.pmctl) {
  read();
  if (settings_.observe_until_takeover && !record_.manage) mode_ = Mode::observe;
}

/// A record that is not understood says at least that there was a takeover, and so do the packages' units where they are ours:
/// without us there would be no mail after a boot.
void Management::read() {
  std::error_code error;
  bool absent = !std::filesystem::exists(settings_.file, error) && !error;
  if (absent && !facade_.in_force()) return;
  try {
    auto text = host::read_own_file(settings_.file, kLargestFile);
    if (!text) throw std::runtime_error(text.error().message);
    if (!*text) throw std::runtime_error("it is missing, though the packages' units mean postmultid");
    json document = json::parse(**text);
    if (document.at("version") != kVersion) throw std::runtime_error("of another version");
    record_.manage = document.at("mode").get<std::string>() == model::to_word(Mode::manage);
    record_.settled = document.at("settled");
    if (const json& wrapper = document.at("wrapper"); !wrapper.is_null())
      record_.before = wrapper.at("before").is_null() ? Wrapper() : Wrapper(wrapper.at("before").get<std::string>());
  } catch (const std::exception& e) {
    record_ = {true, true, std::nullopt};
    trouble_ = settings_.file + " is left aside, so what was there before the takeover is not known: " + e.what();
    host::log(host::Level::warning, trouble_);
  }
}

asio::awaitable<Result<void>> Management::keep(Record record) {
  json wrapper;
  if (record.before) wrapper = {{"before", *record.before ? json(**record.before) : json()}};
  json document{{"version", kVersion},
                {"mode", record.manage ? Mode::manage : Mode::observe},
                {"settled", record.settled},
                {"wrapper", std::move(wrapper)}};
  bool nothing = !record.manage && record.settled && !record.before;
  auto write = [file = settings_.file, text = document.dump(2) + "\n", nothing]() -> Result<void> {
    if (!nothing) return host::replace_own_file(file, text);
    if (::unlink(file.c_str()) < 0 && errno != ENOENT) return std::unexpected(model::system_error("remove " + file));
    return {};
  };
  auto written = co_await host::offload(tools_.pool(), std::move(write));
  if (!written) co_return written;
  record_ = std::move(record);
  trouble_.clear();
  co_return written;
}

std::vector<std::string> Management::problems(const std::string& wrapper) const {
  std::vector<std::string> list;
  if (!trouble_.empty()) list.push_back(trouble_);
  if (busy_) return list;
  if (!record_.settled)
    list.push_back(
        "a takeover or handback was cut short: pmctl takeover goes on with it, pmctl handback undoes what was done");
  if (record_.settled && record_.before && !model::wrapper_is_ours(wrapper))
    list.push_back(
        "multi_instance_wrapper is \"" + wrapper +
        "\" and not postmultid's any more, so `postfix reload` and the like pass it by: pmctl wrapper install");
  return list;
}

asio::awaitable<Result<void>> Management::systemctl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "/bin/systemctl");
  std::string what = "systemctl " + arguments[1];
  auto ended = co_await host::within(kSystemctlLimit, tools_.run(std::move(arguments)));
  if (!ended) co_return model::failure(what + " did not end within 60 s");
  if (!*ended) co_return std::unexpected((*ended).error());
  if (!(*ended)->ok()) co_return model::failure(what + ": " + postfix::reason_in((*ended)->output));
  co_return Result<void>{};
}

/// The packages' units from now on mean us, or what they meant before. No process notices.
asio::awaitable<Result<void>> Management::facade(bool ours, Members members) {
  auto reload = words("daemon-reload");
  auto change = [this](auto work) {
    return host::offload(tools_.pool(), [facade = facade_, work] { return work(facade); });
  };
  // First let them go of what runs: they would end it as soon as we restart a master, for their cgroup is empty then. And
  // what they are to learn anew is told to units that are stopped.
  auto loosen = [](const postfix::Facade& f) -> Result<void> {
    if (auto done = f.end_pretence(); !done) return done;  // of a handback that was cut short
    return f.loosen();
  };
  if (auto done = co_await change(loosen); !done) co_return done;
  if (auto done = co_await systemctl(reload); !done) co_return done;
  auto stop = words("stop", "--job-mode=ignore-dependencies");
  for (const std::string& unit : facade_.units()) stop.push_back(unit);
  if (auto done = co_await systemctl(std::move(stop)); !done) co_return done;
  if (ours) {
    auto install = [](const postfix::Facade& f) { return f.install(); };
    if (auto done = co_await change(install); !done) co_return done;
    co_return co_await systemctl(reload);
  }
  std::map<std::string, model::Proof> running;
  for (const model::Member& member : members())
    if (auto unit = facade_.unit_of(member); unit && member.proof && model::is_up(member.state))
      running[*unit] = *member.proof;
  auto begin = [running](const postfix::Facade& f) -> Result<void> {
    for (const auto& [unit, master] : running)
      if (auto done = f.pretend(unit, master); !done) return done;
    return f.remove();
  };
  if (auto done = co_await change(begin); !done) co_return done;
  if (auto done = co_await systemctl(reload); !done) co_return done;
  auto start = words("start", "--job-mode=ignore-dependencies");
  for (const auto& [unit, master] : running) start.push_back(unit);
  // One that is not told so is a nuisance, and no reason to stay half way.
  if (!running.empty())
    if (auto done = co_await systemctl(std::move(start)); !done)
      host::log(host::Level::warning, "handback: a unit does not know that its instance runs: " + done.error().message);
  auto end = [](const postfix::Facade& f) { return f.end_pretence(); };
  if (auto done = co_await change(end); !done) co_return done;
  co_return co_await systemctl(reload);
}

asio::awaitable<Result<Management::Step>> Management::wrap(bool ours, bool dry_run) {
  auto now = co_await postfix::read_wrapper(tools_);
  if (!now) co_return std::unexpected(now.error());
  bool is_ours = *now && model::wrapper_is_ours(**now);
  std::string wanted = settings_.pmctl + " postfix --";
  if (!ours && !is_ours) {
    Record record = record_;
    record.before.reset();
    if (!dry_run)
      if (auto kept = co_await keep(std::move(record)); !kept) co_return std::unexpected(kept.error());
    co_return Step{"wrapper", false,
                   "multi_instance_wrapper is " + shown(*now) + ", which is not postmultid's: left as it is"};
  }
  if (ours && *now == wanted) co_return Step{"wrapper", false, "multi_instance_wrapper is " + shown(*now) + " already"};
  // Ours with another path of pmctl replaces nobody else's.
  Wrapper before = is_ours ? record_.before.value_or(Wrapper("${command_directory}/postmulti -p --")) : *now;
  Wrapper next = ours ? Wrapper(wanted) : before;
  Step step{"wrapper", !dry_run, "multi_instance_wrapper is set to " + shown(next) + "; it was " + shown(*now)};
  if (!next) step.detail = "multi_instance_wrapper is not set any more; it was " + shown(*now);
  if (dry_run) co_return step;
  Record record = record_;
  record.before = before;
  auto kept = co_await keep(record);
  if (!kept) co_return std::unexpected(kept.error());
  if (auto written = co_await postfix::write_wrapper(tools_, next); !written)
    co_return std::unexpected(written.error());
  if (ours) co_return step;
  record.before.reset();
  kept = co_await keep(std::move(record));
  if (!kept) co_return std::unexpected(kept.error());
  co_return step;
}

asio::awaitable<Result<void>> Management::take_over(bool dry_run, ChangeMode change_mode, Steps& steps) {
  Record record = record_;
  record.manage = true;
  record.settled = false;
  if (!dry_run)
    if (auto kept = co_await keep(record); !kept) co_return kept;
  if (facade_.possible()) {
    Step units{"units", !dry_run,
               "postfix.service and postfix@.service mean postmultid, which alone starts instances at boot:"};
    for (const std::string& file : facade_.files()) units.detail += " " + file;
    Members nobody;
    if (!dry_run)
      if (auto done = co_await facade(true, std::move(nobody)); !done) co_return done;
    steps.push_back(std::move(units));
  }
  bool observing = mode_ == Mode::observe;
  if (!dry_run && observing) {
    if (!change_mode(Mode::manage)) co_return model::failure(kStopping);
    mode_ = Mode::manage;
  }
  steps.push_back({"mode", observing && !dry_run,
                   observing ? "what runs is adopted as it is, and what is enabled and down is started"
                             : "postmultid manages this host already"});
  auto wrapped = co_await wrap(true, dry_run);
  if (!wrapped) co_return std::unexpected(wrapped.error());
  steps.push_back(std::move(*wrapped));
  // So that it can be stopped by that name.
  if (!dry_run && facade_.possible()) {
    auto start = words("start", "--no-block", "postfix.service");
    if (auto done = co_await systemctl(std::move(start)); !done) co_return done;
  }
  record = record_;
  record.settled = true;
  if (dry_run) co_return Result<void>{};
  co_return co_await keep(std::move(record));
}

asio::awaitable<Result<void>> Management::hand_back(bool dry_run, ChangeMode change_mode, Members members,
                                                    Steps& steps) {
  Record record = record_;
  record.settled = false;
  if (!dry_run && record.manage)
    if (auto kept = co_await keep(record); !kept) co_return kept;
  bool units = record_.manage && facade_.possible();
  if (units || !facade_.in_force()) {
    auto wrapped = co_await wrap(false, dry_run);
    if (!wrapped) co_return std::unexpected(wrapped.error());
    steps.push_back(std::move(*wrapped));
  } else {
    steps.push_back({"wrapper", false, "Postfix is not installed any more: there is no main.cf to change"});
  }
  bool managing = mode_ == Mode::manage;
  if (!dry_run && managing) {
    if (std::string busy = in_motion(members()); !busy.empty()) co_return model::failure(std::move(busy));
    if (!change_mode(Mode::observe)) co_return model::failure(kStopping);
    mode_ = Mode::observe;
  }
  steps.push_back({"mode", managing && !dry_run,
                   managing ? "what runs is left running, and only looked at" : "postmultid only observes already"});
  if (units || facade_.in_force()) {
    if (!dry_run)
      if (auto done = co_await facade(false, std::move(members)); !done) co_return done;
    steps.push_back({"units", !dry_run, "postfix.service and postfix@.service are the package's again"});
  }
  Record nothing;
  if (dry_run) co_return Result<void>{};
  co_return co_await keep(std::move(nothing));
}

asio::awaitable<Management::Answer<Management::Steps>> Management::carry_out(ManagementChange wanted, bool dry_run,
                                                                             ChangeMode change_mode, Members members) {
  auto busy = [](std::string why) { return std::unexpected(Problem{"busy", std::move(why)}); };
  if (busy_) co_return busy("another takeover or handback is under way: try again when it is done");
  std::string moving = in_motion(members());
  if (wanted == ManagementChange::handback && !dry_run && mode_ == Mode::manage && !moving.empty())
    co_return busy(std::move(moving));
  if (::access(settings_.pmctl.c_str(), X_OK) < 0 && wanted != ManagementChange::handback &&
      wanted != ManagementChange::remove_wrapper) {
    std::string why = model::system_error(settings_.pmctl + " (postmultid --pmctl)").message;
    co_return std::unexpected(Problem{"no-pmctl", std::move(why)});
  }
  busy_ = true;
  std::shared_ptr<void> until_the_end(nullptr, [this](void*) { busy_ = false; });
  Steps steps;
  Result<void> done;
  if (wanted == ManagementChange::takeover) {
    done = co_await take_over(dry_run, std::move(change_mode), steps);
  } else if (wanted == ManagementChange::handback) {
    done = co_await hand_back(dry_run, std::move(change_mode), std::move(members), steps);
  } else {
    auto wrapped = co_await wrap(wanted == ManagementChange::install_wrapper, dry_run);
    if (wrapped)
      steps.push_back(std::move(*wrapped));
    else
      done = std::unexpected(wrapped.error());
  }
  if (done) co_return steps;
  std::string so_far;
  for (const Step& step : steps) so_far += (so_far.empty() ? "; done so far: " : ", ") + step.name;
  co_return std::unexpected(
      Problem{"handover-failed", done.error().message + so_far + "\nThe same again goes on with it."});
}

}  // namespace postmultid::runtime
