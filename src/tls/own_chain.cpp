#include "tls/own_chain.h"

#include "tls/certificate.h"
#include "tls/openssl.h"

#include <algorithm>
#include <ctime>

namespace sally::tls {

namespace {

bool issued(X509* issuer, X509* subject) {
  return X509_check_issued(issuer, subject) == X509_V_OK;
}

bool is_self_issued(const X509* certificate) {
  return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

std::string named(const X509* certificate, std::size_t number) {
  return "certificate " + std::to_string(number) + " ('" + subject_of(certificate) + "')";
}

class Arrangement {
 public:
  Arrangement(const std::vector<X509Owner>& found, std::size_t own) : found_(found), order_{own} {
    while (add_if([this](X509* candidate) {
      X509* last = found_[order_.back()].get();
      return !is_self_issued(last) && issued(candidate, last);
    })) {
    }
    path_ = order_.size();
    while (add_if([this](X509* candidate) { return issued_any(candidate); })) {
    }
    linked_ = order_.size();
    while (add_if([](X509*) { return true; })) {
    }
  }

  const std::vector<std::size_t>& order() const { return order_; }
  std::size_t path() const { return path_; }
  std::size_t linked() const { return linked_; }

 private:
  template <class Fits>
  bool add_if(Fits&& fits) {
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (std::ranges::find(order_, i) != order_.end() || !fits(found_[i].get())) continue;
      order_.push_back(i);
      return true;
    }
    return false;
  }
  bool issued_any(X509* candidate) const {
    return std::ranges::any_of(order_,
                               [&](std::size_t i) { return issued(candidate, found_[i].get()); });
  }

  const std::vector<X509Owner>& found_;
  std::vector<std::size_t> order_;
  std::size_t path_ = 0;
  std::size_t linked_ = 0;
};

void drop_repeated(std::vector<X509Owner>& found, std::size_t& own,
                   std::vector<std::string>& warnings) {
  for (std::size_t i = 1; i < found.size();) {
    const auto same = std::ranges::find_if(
        found.begin(), found.begin() + static_cast<long>(i),
        [&](const X509Owner& earlier) { return X509_cmp(earlier.get(), found[i].get()) == 0; });
    if (same == found.begin() + static_cast<long>(i)) {
      ++i;
      continue;
    }
    warnings.push_back("'" + subject_of(found[i].get()) +
                       "' is there more than once; it is sent once");
    found.erase(found.begin() + static_cast<long>(i));
    if (own > i) --own;
  }
}

std::string list(const std::vector<std::size_t>& order) {
  std::string text;
  for (const std::size_t i : order) text += (text.empty() ? "" : ", ") + std::to_string(i + 1);
  return text;
}

void warn_of_order(const std::vector<X509Owner>& found, const std::vector<std::size_t>& order,
                   std::vector<std::string>& warnings) {
  if (std::ranges::is_sorted(order)) return;
  const std::string sent = "; they are sent in the order " + list(order);
  if (order.front() != 0) {
    const std::size_t own = order.front();
    warnings.push_back("the private key is that of " + named(found[own].get(), own + 1) +
                       ", which is not the first" + sent);
    return;
  }
  for (std::size_t i = 1; i < found.size(); ++i) {
    if (issued(found[i].get(), found[i - 1].get())) continue;
    warnings.push_back(named(found[i].get(), i + 1) + " is not the issuer of " +
                       named(found[i - 1].get(), i) + sent);
    return;
  }
}

void warn_of_dates(const X509* certificate, std::size_t number,
                   std::vector<std::string>& warnings) {
  const std::int64_t now = std::time(nullptr);
  if (not_after_of(certificate) < now)
    warnings.push_back(named(certificate, number) + " has expired: it was valid until " +
                       utc_time(not_after_of(certificate)));
  if (not_before_of(certificate) > now)
    warnings.push_back(named(certificate, number) + " is not valid yet: it will be from " +
                       utc_time(not_before_of(certificate)));
}

}  // namespace

OwnChain arrange(std::vector<X509Owner> found, std::size_t own, bool format_keeps_order) {
  OwnChain chain;
  drop_repeated(found, own, chain.warnings);
  const Arrangement arrangement(found, own);
  const std::vector<std::size_t>& order = arrangement.order();
  if (format_keeps_order) warn_of_order(found, order, chain.warnings);

  X509* leaf = found[own].get();
  const auto number = [&](std::size_t place) {
    return format_keeps_order ? order[place] + 1 : place + 1;
  };
  if (arrangement.path() == 1 && !is_self_issued(leaf))
    chain.warnings.push_back("the issuer of " + named(leaf, number(0)) + ", '" + issuer_of(leaf) +
                             "', is not in the chain, which is right only for a root CA");
  for (std::size_t place = arrangement.linked(); place < order.size(); ++place)
    chain.warnings.push_back(named(found[order[place]].get(), number(place)) +
                             " is no part of the chain: it issued none of the others");
  if ((X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
    chain.warnings.push_back(named(leaf, number(0)) +
                             " has a key usage without digitalSignature, which its peers demand");
  for (std::size_t place = 0; place < order.size(); ++place)
    warn_of_dates(found[order[place]].get(), number(place), chain.warnings);

  for (const std::size_t i : order) chain.certificates.push_back(std::move(found[i]));
  chain.linked = arrangement.linked();
  return chain;
}

}  // namespace sally::tls
