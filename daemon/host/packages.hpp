// The host's package manager.
#pragma once

namespace postmultid::host {

/// Whether dpkg or apt is at work just now: somebody else holds one of their locks. False where there is neither. Takes
/// no lock itself, so it is in nobody's way.
bool packages_are_being_changed();

}  // namespace postmultid::host
