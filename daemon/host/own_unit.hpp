// What systemd is about to do with the unit that this process is of.
#pragma once

namespace postmultid::host {

/// Whether somebody waits for its end: as `systemctl stop` and the host's shutdown do, and `systemctl restart` does not. False
/// where systemd does not tell. Blocks for some seconds at most.
bool own_unit_is_to_be_stopped();

}  // namespace postmultid::host
