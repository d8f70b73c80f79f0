// What is counted at the socket, for /metrics. Routes are counted by their pattern, so what clients make up adds nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace postmultid::control {

/// The answers of one route: how many by status, and how long they took.
struct RouteCount {
  // Upper limits in seconds; 2 ms is what a status may take, and 60 s the longest wait that can be asked for.
  static constexpr std::array<double, 9> kLimits{0.0005, 0.001, 0.002, 0.005, 0.02, 0.1, 1, 10, 60};

  std::map<int, std::uint64_t> by_status;
  std::array<std::uint64_t, kLimits.size()> within{};  // each limit, and not the one before
  std::uint64_t all = 0;
  double seconds = 0;
};

class Counters {
 public:
  /// `route`: as the table of routes has it, "GET /v1/status".
  void answered(const std::string& route, int status, std::chrono::nanoseconds took);
  /// Something that came to no route; `reason`: a problem's code, or another word of ours.
  void rejected(const std::string& reason) { ++rejected_[reason]; }

  const std::map<std::string, RouteCount>& routes() const { return routes_; }
  const std::map<std::string, std::uint64_t>& rejections() const { return rejected_; }

  std::uint64_t connections = 0, event_streams = 0;  // open now

 private:
  std::map<std::string, RouteCount> routes_;
  std::map<std::string, std::uint64_t> rejected_;
};

/// Counts something as long as it lives.
class Present {
 public:
  explicit Present(std::uint64_t& count) : count_(count) { ++count_; }
  ~Present() { --count_; }
  Present(const Present&) = delete;
  Present& operator=(const Present&) = delete;

 private:
  std::uint64_t& count_;
};

}  // namespace postmultid::control
