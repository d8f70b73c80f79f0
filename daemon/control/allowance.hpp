// So much of something, for all users together and for each of them, with a little kept for root. For the event loop only.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <expected>
#include <map>
#include <utility>

namespace postmultid::control {

class Allowance {
 public:
  /// Root, who has to get in when others have taken all, has no limit of his own.
  struct Limits {
    std::size_t in_all = 0, of_one_user = 0, kept_for_root = 0;
  };
  enum class Full { for_all, for_user };

  explicit Allowance(Limits limits) : limits_(limits) {}
  Allowance(const Allowance&) = delete;
  Allowance& operator=(const Allowance&) = delete;

  /// What was taken; given back at its end, which comes before the allowance's.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept : of_(std::exchange(other.of_, nullptr)), uid_(other.uid_), amount_(other.amount_) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(of_, other.of_);
      std::swap(uid_, other.uid_);
      std::swap(amount_, other.amount_);
      return *this;
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() {
      if (of_) of_->give_back(uid_, amount_);
    }

   private:
    friend class Allowance;
    Share(Allowance* of, uid_t uid, std::size_t amount) : of_(of), uid_(uid), amount_(amount) {}

    Allowance* of_ = nullptr;
    uid_t uid_ = 0;
    std::size_t amount_ = 0;
  };

  std::expected<Share, Full> take(uid_t uid, std::size_t amount = 1) {
    auto had = taken_by_.find(uid);
    std::size_t theirs = (had == taken_by_.end() ? 0 : had->second) + amount;
    if (uid != 0 && theirs > limits_.of_one_user) return std::unexpected(Full::for_user);
    if (taken_ + amount > limits_.in_all - (uid == 0 ? 0 : limits_.kept_for_root))
      return std::unexpected(Full::for_all);
    return take_anyway(uid, amount);
  }

  /// Beyond every limit.
  Share take_anyway(uid_t uid, std::size_t amount = 1) {
    taken_by_[uid] += amount;
    taken_ += amount;
    return Share(this, uid, amount);
  }

  std::size_t taken() const { return taken_; }

 private:
  void give_back(uid_t uid, std::size_t amount) {
    taken_ -= amount;
    auto had = taken_by_.find(uid);
    if ((had->second -= amount) == 0) taken_by_.erase(had);
  }

  Limits limits_;
  std::size_t taken_ = 0;
  std::map<uid_t, std::size_t> taken_by_;
};

}  // namespace postmultid::control
