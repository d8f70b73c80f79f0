// The eyes of the shell: it looks at what runs, at the queues, at what others do, and at what changes around this host. What is
// seen becomes an event; what it means is the core's to say.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <utility>

#include "host/log.hpp"
#include "host/offload.hpp"
#include "host/packages.hpp"
#include "host/watch.hpp"
#include "runtime/shell.hpp"

namespace postmultid::runtime {

using host::Level;
using model::MemberId;
using namespace supervision;

namespace {

constexpr milliseconds kObserveEvery{15'000};
constexpr std::chrono::seconds kLookEvery{15};
// Members that were adopted or started together must not be looked at together: fifty at once keep a small host's processors
// from everything else.
milliseconds first_look(const MemberId& id) {
  return milliseconds(kLookEvery) * (std::hash<MemberId>{}(id) % 100) / 100;
}
// What the last look left in doubt is decided sooner.
constexpr std::chrono::seconds kLookAgain{3};
// A look has limits of its own, but for a disk that hangs.
constexpr std::chrono::seconds kLookLimit{20};
// Asking showq more often than max_idle (100 s) would keep one alive and prove nothing of master.
constexpr unsigned kThoroughEvery = 8;
// Whoever mends something wants to see it mended.
constexpr unsigned kThoroughEveryIfDegraded = 2;
// A master writes its pid before it is ready; for so long a start by somebody else is looked for.
constexpr int kSightings = 20;
constexpr milliseconds kSightingPause{100};
constexpr milliseconds kSettlePause{200};
// What is edited while somebody changes instances is read when he is done, or after this.
constexpr std::chrono::seconds kChangeLimit{60};
// An upgrade that waits for an answer at its terminal does not go on by itself, and the programs are replaced already.
constexpr std::chrono::minutes kUpgradeLimit{10};
constexpr std::chrono::seconds kUpgradePause{1};

}  // namespace

// ---- at what is in our charge

/// Looks at what is in our charge again and again while it lives; soon where the last look left a doubt.
asio::awaitable<void> Shell::look_for_ever(MemberId id, std::shared_ptr<Charge> charge) {
  auto lives = [&] {
    auto found = wards_.find(id);
    return found != wards_.end() && found->second.charge == charge && !charge->life->over();
  };
  for (unsigned round = 1; lives(); ++round) {
    const Machine* machine = fleet_.find(id);
    auto pause = round == 1 ? first_look(id) : milliseconds(kLookEvery);
    charge->next_look.expires_after(machine && machine->health().in_doubt() ? milliseconds(kLookAgain) : pause);
    boost::system::error_code sooner;
    if (!charge->look_now) co_await charge->next_look.async_wait(asio::redirect_error(asio::use_awaitable, sooner));
    bool asked = std::exchange(charge->look_now, false);
    if (lives()) co_await look(id, charge, next_look(id, *charge, round, asked));
  }
}

void Shell::look_soon(Charge& charge) {
  charge.look_now = true;
  charge.next_look.cancel();
}

/// A doubt is decided by a look of the same kind. What is bad is asked for in full, as only a client sees that all of it is
/// good again: now and then, and when things around it have changed.
Look Shell::next_look(const MemberId& id, const Charge& charge, unsigned round, bool asked) const {
  const Machine* machine = fleet_.find(id);
  bool degraded = machine && machine->health().health() == model::Health::degraded;
  if (asked && degraded) return Look::as_client;
  if (machine && machine->health().in_doubt()) return charge.last_look;
  if (degraded) return round % kThoroughEveryIfDegraded == 0 ? Look::as_client : Look::quick;
  return round % kThoroughEvery == 0 ? Look::thorough : Look::quick;
}

/// Looks, one look at a time, and waits for the end of that.
asio::awaitable<void> Shell::look(MemberId id, std::shared_ptr<Charge> charge, Look how) {
  if (charge->looking && charge->last_look < how) co_await end_of_look(id, charge);
  if (!charge->looking) asio::co_spawn(loop_, look_once(id, charge, how), report_end);
  co_await end_of_look(id, charge);
}

/// Not for ever: a look that hangs is told.
asio::awaitable<void> Shell::end_of_look(MemberId id, std::shared_ptr<Charge> charge) {
  if (!charge->looking) co_return;
  charge->looked.expires_at(std::max(charge->look_begun + kLookLimit, std::chrono::steady_clock::now() + kLookAgain));
  boost::system::error_code ended;
  co_await charge->looked.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  auto found = wards_.find(id);
  auto since = std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - charge->look_begun);
  if (!charge->looking || since < kLookLimit || found == wards_.end() || found->second.charge != charge) co_return;
  std::string hangs = "could not be looked at for " + std::to_string(since.count()) + " s: does its disk hang?";
  dispatch(Looked{id, charge->id, {model::Check{"queue", false, std::move(hangs), false}}});
}

asio::awaitable<void> Shell::look_once(MemberId id, std::shared_ptr<Charge> charge, Look how) {
  struct Looking {
    Charge& charge;
    ~Looking() {
      charge.looking = false;
      charge.looked.cancel();
    }
  } looking{*charge};
  charge->looking = true;
  charge->look_begun = std::chrono::steady_clock::now();
  charge->last_look = how;
  auto driver = charge->read;  // a reload may put another in its place meanwhile
  auto seen = co_await driver->look(charge->life->pid(), how);
  auto missed = [](const model::Check& check) { return check.name == "listeners" && check.ok == false; };
  auto found = wards_.find(id);
  if (found != wards_.end() && found->second.driver != driver && std::ranges::any_of(seen.checks, missed)) {
    // Somebody else may have let it read its files: does it fit them as they are now?
    auto newer = found->second.driver;
    auto by_newer = co_await newer->look(charge->life->pid(), how);
    if (std::ranges::none_of(by_newer.checks, missed)) {
      charge->read = newer;
      seen = std::move(by_newer);
    }
  }
  tell_health(id, *charge, std::move(seen));
}

void Shell::tell_health(const MemberId& id, Charge& charge, model::Readiness seen) {
  auto found = wards_.find(id);
  if (found == wards_.end() || found->second.charge.get() != &charge) return;
  found->second.listeners = std::move(seen.listeners);
  dispatch(Looked{id, charge.id, std::move(seen.checks)});
}

// ---- what is seen now and then

/// One after the other, each once in that time: all at once would keep a small host from everything else. Of whom nothing is known
/// yet, at once.
asio::awaitable<void> Shell::observe_for_ever() {
  for (;;) {
    lookout_.renew();
    std::vector<MemberId> round;
    for (const auto& [id, of] : wards_) round.push_back(id);
    auto pause = std::max(kObserveEvery / static_cast<long>(round.size() + 1), milliseconds(1));
    for (const MemberId& id : round) {
      for (auto& [any, of] : wards_)
        if (!of.counted || any == id) begin_to_observe(any, of);
      auto found = wards_.find(id);
      if (found != wards_.end() && !found->second.charge && found->second.driver->watched().by_looking)
        asio::co_spawn(loop_, sight(id, 1), report_end);
      co_await host::pause(pause);
    }
    co_await host::pause(pause);
  }
}

void Shell::begin_to_observe(const MemberId& id, Ward& of) {
  if (!of.readable || of.observing) return;
  of.observing = true;
  asio::co_spawn(loop_, observe(id), report_end);
}

asio::awaitable<void> Shell::observe(MemberId id) {
  auto driver = wards_.at(id).driver;
  auto count = [driver, own = driver->cgroup()] { return std::pair(driver->count(), own.usage()); };
  auto [counts, usage] = co_await host::offload(observers_, std::move(count));
  auto found = wards_.find(id);
  if (found == wards_.end()) co_return;
  found->second.observing = false;
  tell_of_stale_tables(id, found->second.counts.stale_tables, counts.stale_tables);
  found->second.counts = std::move(counts);
  found->second.usage = usage;
  found->second.counted = true;
  publish();
}

void Shell::tell_of_stale_tables(const MemberId& id, const std::vector<std::string>& before,
                                 const std::vector<std::string>& now) {
  for (const std::string& table : now)
    if (std::ranges::find(before, table) == before.end())
      tell_configuration(id, "stale-table", table + " is older than its source, or was never made: postmap " + table);
  if (now.empty() && !before.empty())
    tell_configuration(id, "no-stale-table", "its tables are newer than their sources");
}

asio::awaitable<void> Shell::look_out_for_ever() {
  for (;;) {
    auto notices = co_await lookout_.notices();
    std::set<MemberId> edited;
    for (const Notice& notice : notices) {
      if (!wards_.contains(notice.id)) continue;
      switch (notice.what) {
        case Notice::What::configuration:
          if (edited.insert(notice.id).second)
            tell_configuration(notice.id, "edited", "main.cf or master.cf was written");
          break;
        case Notice::What::pid_file: asio::co_spawn(loop_, sight(notice.id, kSightings), report_end); break;
        case Notice::What::program: look_at_programs_soon(); break;
        case Notice::What::reload_on:
          note(notice.id.text, "renewed", "a file of its reload_on has changed", model::EventKind::configuration);
          reload_renewed(notice.id);
          break;
      }
    }
    bool under_way = !edited_.empty();
    edited_.merge(edited);
    if (!under_way && !edited_.empty()) asio::co_spawn(loop_, read_edited(), report_end);
  }
}

/// Who changes instances reads them himself when he is done; what he has done by half is nobody's to see.
asio::awaitable<void> Shell::read_edited() {
  auto turn = co_await turn_.take(kChangeLimit);
  auto edited = std::exchange(edited_, {});
  if (auto read = co_await reread(); !read) host::log(Level::warning, "inventory: " + read.error().message);
  for (const MemberId& id : edited) happened({.id = id, .input = Input::edited});
}

void Shell::reload_renewed(const MemberId& id) {
  model::Request request{.action = model::Action::reload, .select = {}, .options = {}};
  request.select.names = {id.text};
  begin(std::move(request), {id}, std::nullopt);
}

void Shell::look_at_programs_soon() {
  look_at_programs_again_ = true;
  if (!std::exchange(looking_at_programs_, true)) asio::co_spawn(loop_, look_at_programs(), report_end);
}

/// Who runs what an upgrade has replaced? Asked when the upgrade is over, of all at once.
asio::awaitable<void> Shell::look_at_programs() {
  struct Looking {
    bool& flag;
    ~Looking() { flag = false; }
  } looking{looking_at_programs_};
  while (std::exchange(look_at_programs_again_, false)) {
    auto give_up = std::chrono::steady_clock::now() + kUpgradeLimit;
    for (bool busy = true; busy && std::chrono::steady_clock::now() < give_up;) {
      co_await host::pause(kUpgradePause);
      busy = co_await host::offload(pool_, host::packages_are_being_changed);
    }
    std::map<MemberId, std::pair<std::shared_ptr<const Driver>, pid_t>> running;
    for (const auto& [id, of] : wards_)
      if (of.charge) running[id] = {of.charge->driver, of.charge->life->pid()};
    auto look = [running = std::move(running)] {
      ProgramsReplaced replaced;
      for (const auto& [id, run] : running)
        if (run.first->is_outdated(run.second)) replaced.members.push_back(id);
      return replaced;
    };
    auto replaced = co_await host::offload(pool_, std::move(look));
    if (!replaced.members.empty()) dispatch(replaced);
  }
}

/// What changes around this host mostly changes in several steps.
template <typename Watch>
asio::awaitable<void> Shell::tell_of(Watch& watch, model::Missing what) {
  for (;;) {
    co_await watch.changed();
    co_await host::pause(kSettlePause);
    dispatch(SurroundingsChanged{what});
    for (auto& [id, of] : wards_)
      if (of.charge) look_soon(*of.charge);  // what runs may miss it, too
  }
}

template asio::awaitable<void> Shell::tell_of(host::AddressWatch& watch, model::Missing what);
template asio::awaitable<void> Shell::tell_of(host::MountWatch& watch, model::Missing what);
template asio::awaitable<void> Shell::tell_of(host::NameWatch& watch, model::Missing what);

/// Somebody writes a pid file, or may have started it without one: is there a master soon that nobody here has started?
asio::awaitable<void> Shell::sight(MemberId id, int looks) {
  for (int look = 0; look < looks; ++look) {
    auto found = wards_.find(id);
    if (found == wards_.end() || found->second.charge || found->second.sighting) co_return;
    found->second.sighting = true;
    auto driver = found->second.driver;
    auto search = co_await driver->find();
    if (auto still = wards_.find(id); still != wards_.end()) still->second.sighting = false;
    if (search && *search) co_return happened({.id = id, .input = Input::sighted});
    co_await host::pause(kSightingPause);
  }
}

}  // namespace postmultid::runtime
