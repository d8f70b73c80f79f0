// Plans, and what is done with them: the definition's way into Postfix's files, and back. And whether both say the same.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <utility>

#include "definitions/load.hpp"
#include "host/log.hpp"
#include "host/offload.hpp"
#include "model/selection.hpp"
#include "postfix/exporter.hpp"
#include "runtime/applier.hpp"
#include "runtime/planner.hpp"
#include "runtime/shell.hpp"

namespace postmultid::runtime {

using host::Level;
using model::MemberId;
using model::Problem;
using model::Result;

namespace {

// Who edits by hand, or an apply, is given the time to be done.
constexpr std::chrono::seconds kDriftPause{10};
constexpr std::chrono::seconds kSlice{1};
// The longest that somebody waits for others who change instances.
constexpr std::chrono::seconds kTurnLimit{60};
constexpr std::size_t kLongestDetail = 500;

Problem busy() {
  return {"busy",
          "another change of the instances, or of their files, is under way; nothing was changed by this request"};
}

Problem restart_needed(const model::Plan& plan) {
  std::string who;
  for (const model::MemberPlan& each : plan.members)
    if (each.has("restart")) who += (who.empty() ? "" : ", ") + each.id.text;
  return {"restart-needed", who +
                                " would be restarted; nothing was changed. See pmctl apply --dry-run; then pmctl apply "
                                "--allow-restart"};
}

/// Where a member's files are not what they are to be, in a few words.
std::string in_few_words(const model::MemberPlan& plan) {
  std::string words;
  for (const std::string& step : plan.steps)
    if (step == "enable" || step == "disable" || step == "assign") words += (words.empty() ? "" : "; ") + step;
  for (const model::FileChange& change : plan.changes) {
    words += (words.empty() ? "" : "; ") + change.file + ":";
    for (const std::string& line : change.lines) words += (words.ends_with(":") ? " " : ", ") + line;
    if (change.lines.empty()) words += " " + change.note;
  }
  if (words.size() > kLongestDetail) words.replace(kLongestDetail, std::string::npos, "…");
  return words;
}

bool says_something(const definitions::Definition& definition) {
  return (definition.primary && !definition.configuration_of(*definition.primary).empty()) ||
         !definition.instances.empty();
}

}  // namespace

MemberId Shell::id_of(const std::string& config_directory) const {
  for (const auto& [id, of] : wards_) {
    model::Member member;
    of.driver->describe(member);
    if (member.config_directory == config_directory) return id;
  }
  return {};
}

asio::awaitable<Shell::Answer<Work>> Shell::work_for(definitions::Definition definition, bool run_commands) {
  auto listed = co_await inventory_.read();
  if (!listed) {
    Problem unreadable{"inventory-unreadable", listed.error().message};
    co_return std::unexpected(std::move(unreadable));
  }
  Situation situation{std::move(definition), std::move(*listed), places_.state_directory + "/versions", {}, {},
                      run_commands};
  situation.id_of = [this](const std::string& directory) { return id_of(directory); };
  situation.runs = [this](const std::string& directory) {
    const supervision::Machine* machine = fleet_.find(id_of(directory));
    return machine && machine->running();
  };
  co_return co_await make_plan(tools_, std::move(situation));
}

asio::awaitable<Shell::Answer<model::Plan>> Shell::plan() {
  auto load = [file = places_.definition] { return definitions::load(file); };
  auto definition = co_await host::offload(pool_, std::move(load));
  if (!definition) {
    Problem bad{"bad-definition", definitions::describe(definition.error())};
    co_return std::unexpected(std::move(bad));
  }
  auto work = co_await work_for(std::move(*definition), true);
  if (!work) co_return std::unexpected(work.error());
  co_return std::move(work->plan);
}

asio::awaitable<Shell::Answer<model::Application>> Shell::apply(model::ApplyRequest wanted, model::Requester by) {
  auto turn = co_await turn_.take(kTurnLimit);
  if (!turn) co_return std::unexpected(busy());
  auto read = co_await reread_all();
  if (!read) co_return std::unexpected(read.error());
  auto work = co_await work_for(definition_, true);
  if (!work) co_return std::unexpected(work.error());
  if (!wanted.plan.empty() && wanted.plan != work->plan.id) {
    Problem outdated{"plan-outdated", "plan " + wanted.plan +
                                          " is not what would be done now; nothing was changed. Look at " +
                                          (work->plan.id.empty() ? "it" : work->plan.id) + ": pmctl apply --dry-run"};
    co_return std::unexpected(std::move(outdated));
  }
  co_return co_await carry_out_plan(std::move(*work), std::move(turn), wanted.allow_restart, std::move(by));
}

namespace {

/// Which files an instance is to go back to: those of a version, else those that ran last, else the newest others.
Result<std::string> files_to_go_back_to(const postfix::Versions& versions, const postfix::LastGood& last_good,
                                        const postfix::Instance& instance, const std::string& wanted) {
  auto kept = versions.of(instance.config_directory);
  std::string known;
  for (const postfix::Version& version : kept) {
    std::string name = std::filesystem::path(version.directory).filename();
    if (name == wanted) return version.directory;
    known += (known.empty() ? "" : ", ") + name;
  }
  if (!wanted.empty())
    return model::failure("no version " + wanted + " of " + instance.id.text +
                          "; there are: " + (known.empty() ? "none" : known));
  auto now = postfix::read_files(instance.config_directory);
  auto is_another = [&](const std::string& directory) {
    auto then = postfix::read_files(directory);
    return then && now && *then != *now && !postfix::differ_in_membership_only(*then, *now);
  };
  if (std::string ran = last_good.if_changed(instance); !ran.empty() && is_another(ran)) return ran;
  for (const postfix::Version& version : kept)
    if (is_another(version.directory)) return version.directory;
  return model::failure("no other files of " + instance.id.text + " are kept than those that it has");
}

}  // namespace

asio::awaitable<Shell::Answer<Work>> Shell::work_back(model::RollbackRequest wanted) {
  auto id = model::find(*status(), wanted.instance);
  if (!id) co_return std::unexpected(id.error());
  auto listed = co_await inventory_.read();
  if (!listed) {
    Problem unreadable{"inventory-unreadable", listed.error().message};
    co_return std::unexpected(std::move(unreadable));
  }
  auto found = std::ranges::find_if(
      *listed, [&](const postfix::Listed& each) { return id_of(each.instance.config_directory) == *id; });
  if (found == listed->end()) {
    Problem none{"no-such-instance", id->text + " is no instance of Postfix: it has no files that are kept"};
    co_return std::unexpected(std::move(none));
  }
  postfix::Instance instance = found->instance;
  auto choose = [directory = places_.state_directory + "/versions", last_good = &last_good_, instance,
                 version = wanted.version]() -> Result<postfix::Files> {
    auto chosen = files_to_go_back_to(postfix::Versions(directory), *last_good, instance, version);
    if (!chosen) return std::unexpected(chosen.error());
    return postfix::read_files(*chosen);
  };
  auto files = co_await host::offload(pool_, std::move(choose));
  if (!files) {
    Problem none{"no-such-version", files.error().message};
    co_return std::unexpected(std::move(none));
  }
  const supervision::Machine* machine = fleet_.find(*id);
  bool up = machine && machine->running();
  co_return co_await plan_return(tools_, std::move(instance), *id, std::move(*files), up,
                                 places_.state_directory + "/versions");
}

asio::awaitable<Shell::Answer<model::Plan>> Shell::plan_rollback(model::RollbackRequest wanted) {
  auto work = co_await work_back(std::move(wanted));
  if (!work) co_return std::unexpected(work.error());
  co_return std::move(work->plan);
}

asio::awaitable<Shell::Answer<model::Application>> Shell::roll_back(model::RollbackRequest wanted,
                                                                    model::Requester by) {
  auto turn = co_await turn_.take(kTurnLimit);
  if (!turn) co_return std::unexpected(busy());
  bool allow_restart = wanted.allow_restart;
  auto work = co_await work_back(std::move(wanted));
  if (!work) co_return std::unexpected(work.error());
  co_return co_await carry_out_plan(std::move(*work), std::move(turn), allow_restart, std::move(by));
}

/// To its end, even if nobody waits for it any more.
asio::awaitable<Shell::Answer<model::Application>> Shell::carry_out_plan(Work work, Turn::Held turn, bool allow_restart,
                                                                         model::Requester by) {
  std::optional<Problem> refused;
  if (fleet_.shutting_down())
    refused = Problem{"stopping", "all members are being stopped; nothing was changed"};
  else if (fleet_.observing())
    refused = Problem{"observing", "nothing was changed; pmctl takeover makes it the manager of this host"};
  else if (!allow_restart && work.plan.needs_restart())
    refused = restart_needed(work.plan);
  if (refused) co_return std::unexpected(std::move(*refused));
  Hands hands;
  hands.reread = [this] { return reread(); };
  hands.listed = [this] { return inventory_.read(); };
  hands.operate = [this, by](MemberId id, model::Action action) { return operate(std::move(id), action, by); };
  hands.id_of = [this](const std::string& directory) { return id_of(directory); };
  hands.tell = [this](const MemberId& id, std::string what, std::string message) {
    note(id.text, std::move(what), std::move(message), model::EventKind::configuration);
  };
  struct Run {
    Applier applier;
    Turn::Held turn;
    std::optional<model::Application> done;
  };
  auto run = std::make_shared<Run>(
      Run{Applier(tools_, places_.state_directory, std::move(hands)), std::move(turn), std::nullopt});
  auto to_the_end = [](Shell& shell, std::shared_ptr<Run> its, Work what) -> asio::awaitable<void> {
    auto application = co_await its->applier.apply(std::move(what));
    its->done = std::move(application);
    its->turn.reset();
    shell.cut_short_.clear();
    shell.publish();
  };
  asio::co_spawn(loop_, to_the_end(*this, run, std::move(work)), report_end);
  while (!run->done && run.use_count() > 1) co_await changed(kSlice);
  if (run->done) co_return std::move(*run->done);
  Problem failed{"handover-failed", "an internal error has ended it; see the daemon's log, and pmctl apply --dry-run"};
  co_return std::unexpected(std::move(failed));
}

asio::awaitable<Result<void>> Shell::operate(MemberId id, model::Action action, model::Requester by) {
  model::Request request{action, {}, {}};
  request.select.names = {id.text};
  model::OperationId begun = begin(std::move(request), {id}, std::move(by));
  for (;;) {
    const model::Operation* operation = operations_.find(begun);
    if (!operation) co_return model::failure("what became of it is forgotten");
    if (operation->state == model::OperationState::finished) {
      if (operation->succeeded()) co_return Result<void>{};
      co_return model::failure(model::to_word(action) + " " + model::to_word(operation->members.front().outcome) +
                               ": " + operation->members.front().message);
    }
    co_await changed(kSlice);
  }
}

asio::awaitable<Shell::Answer<std::string>> Shell::export_definition() {
  auto listed = co_await inventory_.read();
  Result<std::string> text = model::failure(listed ? "" : listed.error().message);
  if (listed) text = co_await postfix::export_definition(tools_, std::move(*listed));
  if (text) co_return std::move(*text);
  Problem unreadable{"inventory-unreadable", text.error().message};
  co_return std::unexpected(std::move(unreadable));
}

// ---- drift

asio::awaitable<void> Shell::look_for_drift_for_ever() {
  boost::system::error_code sooner;
  for (;;) {
    drift_timer_.expires_after(kDriftPause);
    do {
      sooner = {};
      co_await drift_timer_.async_wait(asio::redirect_error(asio::use_awaitable, sooner));
      drift_timer_.expires_after(kDriftPause);
    } while (sooner);  // read again meanwhile: wait until all is quiet
    co_await look_for_drift();
    // Until something is read again.
    drift_timer_.expires_at(asio::steady_timer::time_point::max());
    co_await drift_timer_.async_wait(asio::redirect_error(asio::use_awaitable, sooner));
  }
}

/// Commands that print tables are not run: nobody has asked for that.
asio::awaitable<void> Shell::look_for_drift() {
  std::map<MemberId, std::string> found;
  auto turn = co_await turn_.take(kDriftPause);
  if (!turn) co_return;
  if (says_something(definition_)) {
    auto work = co_await work_for(definition_, false);
    if (!work) {
      host::log(Level::warning, "whether the files are as declared is not known: " + work.error().detail);
      co_return;
    }
    for (const MemberId& id : work->plan.unchanged) found[id];
    for (const Target& target : work->targets)
      if (!target.fresh) found[target.shown.id] = in_few_words(target.shown);
  }
  for (auto& [id, of] : wards_) {
    auto drift = found.contains(id) ? std::optional(found[id]) : std::nullopt;
    if (of.drift == drift) continue;
    bool was = of.drift && !of.drift->empty(), is = drift && !drift->empty();
    of.drift = std::move(drift);
    if (is)
      tell_configuration(id, "drift", "differs from the definition: " + *of.drift);
    else if (was)
      tell_configuration(id, "no-drift", "is as the definition says");
  }
  publish();
}

}  // namespace postmultid::runtime
