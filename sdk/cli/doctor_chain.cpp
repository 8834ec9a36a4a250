#include "doctor_output.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace {

struct Node {
  std::string text{};
  std::string detail{};
  std::vector<sally::Fault> faults{};
  bool is_missing = false;
};

bool holds(const std::vector<sally::Certificate>& all, const sally::Certificate& one) {
  return std::ranges::any_of(all, [&](const sally::Certificate& other) {
    return other.fingerprint() == one.fingerprint();
  });
}

std::string names_of(const sally::Certificate& certificate) {
  std::string names;
  for (const sally::AlternativeName& name : certificate.alternative_names()) {
    if (!name.text.empty()) names.append(names.empty() ? ", for " : " ").append(name.text);
  }
  return names;
}

// Near its limits a day is too coarse: what begins today may not have begun.
std::string date_of(std::chrono::sys_seconds date, std::chrono::sys_seconds time) {
  const std::string text = rfc3339(date);
  const bool is_near = std::chrono::abs(date - time) < std::chrono::days(2);
  return is_near ? text : text.substr(0, 10);
}

std::string detail_of(const Examination& examination, const sally::Certificate& certificate) {
  const bool is_sent = holds(examination.first->sent, certificate);
  std::string text = is_sent ? "sent by the server" : "from the trust store";
  if (is_sent && holds(examination.anchors, certificate)) text += " and trusted";
  text += ", " + date_of(certificate.not_before(), examination.time) + " to " +
          date_of(certificate.not_after(), examination.time) + ", " +
          std::string(certificate.key());
  return text + names_of(certificate);
}

bool leads_nowhere(const sally::Certificate& top) {
  return top.subject() != top.issuer();
}

// The issuer that would lead on. What is wrong is that it is not there: nothing is at the certificate
// below, where the library counts it.
Node missing_issuer(const Examination& examination, const sally::Certificate& top) {
  const std::string issuer(top.issuer());
  const bool has_namesake = std::ranges::any_of(
      examination.anchors,
      [&](const sally::Certificate& anchor) { return anchor.subject() == issuer; });
  Node node{.text = issuer,
            .detail = has_namesake ? "not sent; trusted is one of this name, with another key"
                                   : "neither sent nor trusted",
            .is_missing = true};
  for (sally::Fault& fault : examination.verdict->faults()) {
    if (fault.status != SALLY_CERTIFICATE_UNKNOWN_CA) continue;
    fault.message = "the issuer named '" + issuer + "' is what is missing, who issued '" +
                    std::string(top.subject()) + '\'';
    node.faults.push_back(std::move(fault));
  }
  return node;
}

// From the top down.
std::vector<Node> nodes_of(const Examination& examination) {
  const auto chain = examination.verdict->chain();
  const auto faults = examination.verdict->faults();
  std::vector<Node> nodes;
  const bool is_open =
      !chain.empty() && leads_nowhere(chain.back()) && !examination.verdict->accepted();
  if (is_open) nodes.push_back(missing_issuer(examination, chain.back()));
  for (std::size_t depth = chain.size(); depth-- > 0;) {
    Node node{.text = std::string(chain[depth].subject()),
              .detail = detail_of(examination, chain[depth])};
    for (const sally::Fault& fault : faults) {
      if (is_open && fault.status == SALLY_CERTIFICATE_UNKNOWN_CA) continue;
      const auto at = static_cast<std::size_t>(std::max(fault.depth, 0));
      if (std::min(at, chain.size() - 1) == depth) node.faults.push_back(fault);
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

void print(std::ostream& out, const Node& node, std::size_t level, const Style& style) {
  const std::string_view branch = draws_in_unicode() ? "└─ " : "`- ";
  const std::string indent(2 + 3 * level, ' ');
  const std::string below = indent + "   ";
  out << indent << branch
      << (node.is_missing ? style.bad("? " + node.text) : style.strong(node.text)) << '\n'
      << below << style.faint(node.detail) << '\n';
  for (const sally::Fault& fault : node.faults) {
    const std::string mark = fault.ignored ? style.doubtful("let pass") : style.bad("FAULT");
    out << below << mark << ' ' << sally::status_name(fault.status) << ": " << fault.message
        << '\n';
  }
}

}  // namespace

void print_chain(std::ostream& out, const Examination& examination, const Style& style) {
  if (!examination.verdict) return;
  std::size_t level = 0;
  for (const Node& node : nodes_of(examination)) print(out, node, level++, style);
  const auto chain = examination.verdict->chain();
  for (const sally::Certificate& sent : examination.first->sent) {
    if (!holds(chain, sent)) out << "  sent, but no part of it: " << sent.subject() << '\n';
  }
}

Json chain_to_json(const Examination& examination) {
  Json sent = Json::array();
  for (const sally::Certificate& one : examination.first->sent) sent.push_back(to_json(one));
  Json json{{"sent", sent}};
  if (!examination.verdict) return json;
  Json built = Json::array();
  const auto chain = examination.verdict->chain();
  for (const sally::Certificate& one : chain) {
    built.push_back({{"sent", holds(examination.first->sent, one)}, {"certificate", to_json(one)}});
  }
  json["accepted"] = examination.verdict->accepted();
  json["built"] = built;
  json["verdict"] = to_json(examination.verdict->error());
  const bool is_open = !examination.verdict->accepted() && !chain.empty();
  if (is_open && leads_nowhere(chain.back())) json["missing_issuer"] = chain.back().issuer();
  return json;
}
