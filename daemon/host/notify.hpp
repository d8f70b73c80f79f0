// What systemd is told about us (sd_notify(3)). Without systemd nothing happens.
#pragma once

#include <string>

namespace postmultid::host {

void notify_ready(const std::string& status);
void notify_status(const std::string& status);
void notify_stopping();

}  // namespace postmultid::host
