#include "host/own_unit.hpp"

#include <systemd/sd-bus.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

namespace postmultid::host {

namespace {

constexpr char kSystemd[] = "org.freedesktop.systemd1";
constexpr std::uint64_t kLimit = 5'000'000;  // microseconds

struct Close {
  void operator()(sd_bus* bus) const { ::sd_bus_flush_close_unref(bus); }
  void operator()(sd_bus_message* message) const { ::sd_bus_message_unref(message); }
};

}  // namespace

// Unit.Job and Job.JobType of org.freedesktop.systemd1(5).
bool own_unit_is_to_be_stopped() {
  sd_bus* opened = nullptr;
  if (::sd_bus_open_system(&opened) < 0) return false;
  std::unique_ptr<sd_bus, Close> bus(opened);
  ::sd_bus_set_method_call_timeout(bus.get(), kLimit);

  sd_bus_message* answer = nullptr;
  int asked = ::sd_bus_call_method(bus.get(), kSystemd, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                                   "GetUnitByPID", nullptr, &answer, "u", std::uint32_t{0});
  std::unique_ptr<sd_bus_message, Close> unit(answer);
  const char* path = nullptr;
  if (asked < 0 || ::sd_bus_message_read(unit.get(), "o", &path) < 0) return false;

  answer = nullptr;
  asked = ::sd_bus_get_property(bus.get(), kSystemd, path, "org.freedesktop.systemd1.Unit", "Job", nullptr, &answer,
                                "(uo)");
  std::unique_ptr<sd_bus_message, Close> job(answer);
  std::uint32_t number = 0;
  if (asked < 0 || ::sd_bus_message_read(job.get(), "(uo)", &number, &path) < 0 || number == 0) return false;

  char* type = nullptr;
  asked = ::sd_bus_get_property_string(bus.get(), kSystemd, path, "org.freedesktop.systemd1.Job", "JobType", nullptr,
                                       &type);
  std::unique_ptr<char, void (*)(void*)> kept(type, &std::free);
  return asked >= 0 && std::string(type) == "stop";
}

}  // namespace postmultid::host
