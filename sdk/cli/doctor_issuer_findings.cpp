// Why a chain leads to nobody who is trusted: the server left out a part of it, or this side trusts
// somebody else.
#include "certificates.h"
#include "doctor_finding.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <string_view>

namespace {

std::string pem_of(const std::vector<sally::Certificate>& certificates) {
  std::string all;
  for (const sally::Certificate& one : certificates) all += one.pem().text();
  return all;
}

bool is_self_issued(const sally::Certificate& certificate) {
  return certificate.subject() == certificate.issuer();
}

// Whether the server's chain would lead to a trusted CA with these certificates besides, whatever
// else is wrong with it.
bool completes(const Examination& examination, const std::string& besides) {
  const auto faults = sally::verify({.trust = examination.trust,
                                     .leaf = pem_of(examination.first->sent),
                                     .intermediates = besides,
                                     .purpose = SALLY_PURPOSE_SERVER,
                                     .time = examination.patient.time})
                          .faults();
  return std::ranges::none_of(faults, [](const sally::Fault& fault) {
    return fault.status == SALLY_CERTIFICATE_UNKNOWN_CA ||
           fault.status == SALLY_CERTIFICATE_SELF_SIGNED ||
           fault.status == SALLY_CERTIFICATE_BAD_SIGNATURE;
  });
}

}  // namespace

std::vector<FoundCertificate> find_nearby(const Examination& examination,
                                          std::string_view subject) {
  const Identity& identity = examination.patient.identity;
  std::vector<std::string> files = identity.ca;
  if (!identity.cert.empty()) files.push_back(identity.cert);
  std::set<std::string> folders;
  for (const std::string& file : files) {
    std::error_code failed;
    const std::filesystem::path path(file);
    const bool is_folder = std::filesystem::is_directory(path, failed);
    const auto folder = is_folder ? path : path.parent_path();
    folders.insert(folder.empty() ? "." : folder.string());
  }
  std::vector<FoundCertificate> found;
  for (const std::string& folder : folders) {
    for (FoundCertificate& one : certificates_in_folder(folder)) {
      if (one.certificate.subject() == subject) found.push_back(std::move(one));
    }
  }
  return found;
}

namespace {

std::string trusted_names(const Examination& examination) {
  if (examination.anchors.empty()) return "the CAs of this machine";
  std::vector<std::string> names;
  for (const sally::Certificate& one : examination.anchors) names.emplace_back(one.subject());
  constexpr std::size_t shown = 3;
  if (names.size() > shown) return std::to_string(names.size()) + " CAs";
  return quoted(names);
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Of whom this side's own certificate comes, as far as its file tells.
std::vector<std::string> own_issuers(const Examination& examination) {
  std::vector<std::string> names;
  if (examination.credential) names.emplace_back(examination.credential->certificate().issuer());
  for (const auto& one : certificates_of(examination.patient.identity.cert)) {
    if (!holds(names, one.issuer())) names.emplace_back(one.issuer());
  }
  return names;
}

// The CAs of client certificates, which in mutual TLS are mostly those of the server's too. Names
// are no proof, but tell the wrong file from a part that is missing.
struct Hints {
  bool knows_missing = false;  // the issuer that is missing here is one of them
  bool knows_trusted = false;  // one that is trusted here is
};

Hints hints_on(const Examination& examination, const std::string& issuer) {
  std::vector<std::string> names = own_issuers(examination);
  const auto& accepted = examination.first->acceptable_cas;
  names.insert(names.end(), accepted.begin(), accepted.end());
  return {.knows_missing = holds(names, issuer),
          .knows_trusted = std::ranges::any_of(examination.anchors, [&](const auto& anchor) {
            return holds(names, anchor.subject());
          })};
}

void add_deciding(const Examination& examination, Finding& finding) {
  finding.evidence.push_back("trusted here: " + trusted_names(examination));
  const auto& accepted = examination.first->acceptable_cas;
  if (!accepted.empty()) {
    finding.evidence.push_back("the server accepts client certificates of " + quoted(accepted));
  }
  const auto issuers = own_issuers(examination);
  if (!issuers.empty()) {
    finding.evidence.push_back("this side's own certificate comes from " + quoted(issuers));
  }
}

Finding missing(const std::string& leaf, const std::string& issuer) {
  return {
      .cause = "missing_intermediate",
      .sentence = "The server does not send the intermediate CA certificate '" + issuer +
                  "' that issued its certificate '" + leaf + "'.",
      .fix = "On the server, put the certificate of '" + issuer +
             "' into the certificate file, after the server's own; the CA that issued it hands it "
             "out."};
}

std::string on_wrong_ca(const Examination& examination, const std::string& issuer) {
  const std::string_view from = "had from those who run that CA, not from this connection";
  const bool is_own = holds(own_issuers(examination), issuer);
  const bool is_given = !examination.patient.identity.ca.empty();
  if (!is_given) {
    return "Give the root CA of the server's chain as --ca, '" + issuer +
           "' or the one above it, " + std::string(from) +
           "; or this is not the server that is meant.";
  }
  if (is_own) {
    return "Most likely --ca is the wrong file: this side's own certificate comes from exactly the "
           "CA that is missing in it, '" +
           issuer + "'. Give that CA's certificate as --ca, " + std::string(from) +
           "; leave the server as it is.";
  }
  return "Either --ca is the wrong file, or this is not the server that is meant. It must hold the "
         "root CA of the server's chain, '" +
         issuer + "' or the one above it, " + std::string(from) + '.';
}

Finding wrong(const Examination& examination, const std::string& top, const std::string& issuer) {
  Finding finding{
      .cause = "wrong_ca",
      .sentence = "The server's certificate comes from a CA that is not trusted here: '" + top +
                  "' was issued by '" + issuer + "'; trusted here: " + trusted_names(examination) +
                  '.'};
  finding.fix = on_wrong_ca(examination, issuer);
  return finding;
}

std::string lower(std::string_view text) {
  std::string all(text);
  std::ranges::transform(all, all.begin(), [](unsigned char c) { return std::tolower(c); });
  return all;
}

// The O of a name in the form of RFC 2253.
std::string organisation(std::string_view name) {
  const auto at = name.find("O=");
  if (at == std::string_view::npos || (at > 0 && name[at - 1] != ',')) return "";
  return std::string(name.substr(at, name.find(',', at) - at));
}

// Without proof: who sends nothing but a leaf has rather forgotten an intermediate than been issued by
// a root, unless the name says otherwise.
bool sounds_like_intermediate(const Examination& examination, std::string_view issuer) {
  if (examination.first->sent.size() > 1) return false;
  const std::string name = lower(issuer);
  if (name.find("root") != std::string::npos) return false;
  const Hints hints = hints_on(examination, std::string(issuer));
  if (hints.knows_trusted && !hints.knows_missing) return true;
  for (const char* word : {"intermediate", "issuing", "sub ca", "sub-ca", "subca", "subordinate"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  if (examination.anchors.empty()) return true;
  return std::ranges::any_of(examination.anchors, [&](const sally::Certificate& anchor) {
    const std::string of_anchor = organisation(anchor.subject());
    return !of_anchor.empty() && of_anchor == organisation(issuer);
  });
}

// What the certificates on this machine prove; std::nullopt: nothing.
std::optional<Finding> prove(const Examination& examination, const std::string& top,
                             const std::string& issuer) {
  for (const FoundCertificate& found : find_nearby(examination, issuer)) {
    if (completes(examination, pem_of({found.certificate}))) {
      Finding finding = missing(top, issuer);
      finding.fix += " Here it is in '" + found.file + "'.";
      finding.evidence.push_back("with the certificate in '" + found.file +
                                 "' the chain is complete");
      return finding;
    }
    if (is_self_issued(found.certificate)) {
      Finding finding = wrong(examination, top, issuer);
      finding.evidence.push_back("'" + issuer + "' is a root CA, as '" + found.file + "' shows");
      return finding;
    }
  }
  return std::nullopt;
}

Finding weigh_issuer(const Examination& examination) {
  const auto chain = examination.verdict->chain();
  const sally::Certificate& last = chain.back();
  const std::string top(last.subject());
  const std::string issuer(last.issuer());
  const auto is_issuer = [&](const sally::Certificate& one) { return one.subject() == issuer; };
  if (is_self_issued(last)) {
    const std::string below(chain.size() > 1 ? chain[chain.size() - 2].subject() : last.subject());
    Finding finding = wrong(examination, below, issuer);
    finding.evidence.push_back("the server's chain ends in the root CA '" + top + '\'');
    return finding;
  }
  if (std::ranges::any_of(examination.anchors, is_issuer)) {
    Finding finding = wrong(examination, top, issuer);
    finding.evidence.push_back("trusted is a CA of the same name, with another key");
    return finding;
  }
  if (std::ranges::any_of(examination.anchors, [&](const sally::Certificate& one) {
        return one.fingerprint() == last.fingerprint();
      })) {
    Finding finding = wrong(examination, top, issuer);
    finding.sentence = "The file of trusted CAs holds the intermediate CA '" + top +
                       "', but not the root '" + issuer + "' above it.";
    return finding;
  }
  if (const auto proved = prove(examination, top, issuer)) return *proved;
  const bool is_part = sounds_like_intermediate(examination, issuer);
  Finding finding = is_part ? missing(top, issuer) : wrong(examination, top, issuer);
  finding.is_certain = false;
  if (is_part) {
    finding.fix +=
        " Only if '" + issuer + "' is itself a root CA, it is missing here instead, in --ca.";
  }
  finding.evidence.push_back("the server sends " + std::to_string(examination.first->sent.size()) +
                             " certificate(s), and '" + issuer +
                             "' is neither among them nor trusted");
  return finding;
}

}  // namespace

Finding find_issuer(const Examination& examination) {
  Finding finding = weigh_issuer(examination);
  add_deciding(examination, finding);
  return finding;
}
