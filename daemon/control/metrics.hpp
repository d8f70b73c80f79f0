// GET /metrics: the numbers of the host's mail system and of the daemon itself as Prometheus reads them. Pure: what they are
// made of is given. Docs: docs/metrics.md.
#pragma once

#include <string>

#include "control/counters.hpp"
#include "host/own_use.hpp"
#include "model/status.hpp"

namespace postmultid::control {

/// What the snapshot says; the same as long as that is the same.
std::string snapshot_metrics(const model::Status& status);

/// What the daemon counts and uses, which is another at each request.
std::string daemon_metrics(model::WallTime started_at, const Counters& counters, const host::OwnUse& use);

}  // namespace postmultid::control
